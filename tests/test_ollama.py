"""What a user's own Ollama is asked, and what comes of its replies: those a real server gave."""

from __future__ import annotations

import json

import pytest

from coach.backends import machine
from coach.backends.chat import list_chat_models, load_chat_model, ollama_address
from coach.backends.langchain import LangChainChatModel
from coach.backends.ollama import is_running, open_ollama_model
from coach.backends.ollama_models import last_used, list_models, pull_model, remember_used, use_model
from coach.doctor import lines, run_checks
from coach.errors import BackendError, UsageError
from coach.settings import load_settings
from coach.types import Turn
from tests.model_servers import (
    BARE,
    EMBEDDER,
    HOSTED,
    TALKER,
    THINKER,
    WIRE,
    dead_address,
    recorded,
    recorded_ollama,
    serving,
)

QUESTION = (Turn("system", "Answer from the passage."), Turn("user", "What about fallbacks?"))
YES_OR_NO = (Turn("user", "Is Paris the capital of France?"),)
WINDOW = 4096


def talker(server, name: str = TALKER, **more) -> LangChainChatModel:
    return open_ollama_model(server.address, name, context_window=WINDOW, **more)


@pytest.fixture
def command(run_coach):
    """The command line against this server, with a home of its own."""
    return lambda *arguments, home, server: run_coach(
        *arguments, COACH_HOME=str(home), OLLAMA_HOST=server.address
    )


class TestSpeaking:
    def test_the_window_is_said_with_every_request(self):
        with serving(recorded_ollama()) as server:
            model = talker(server)
            list(model.stream(QUESTION, max_tokens=30, temperature=0.5))
            model.choose(YES_OR_NO, ["Yes", "No"])
            spoke, chose = server.bodies("/api/chat")
        assert spoke["options"] == {"num_ctx": WINDOW, "num_predict": 30, "temperature": 0.5}
        assert chose["options"]["num_ctx"] == WINDOW and chose["top_logprobs"] == 20
        assert spoke["keep_alive"] == chose["keep_alive"] == "30m"

    def test_it_says_what_the_server_said_and_counts_it(self):
        with serving(recorded_ollama()) as server:
            stream = talker(server).stream(QUESTION, max_tokens=30, temperature=0.0)
            assert (
                "".join(stream) == "The committee expects a candidate to name a fallback for a wrong answer."
            )
        assert (stream.usage.prompt, stream.usage.completion) == (45, 15)

    def test_probabilities_come_from_the_listed_tokens(self):
        with serving(recorded_ollama()) as server:
            model = talker(server)
            chosen = model.choose(YES_OR_NO, ["Yes", "No"])
        assert chosen["Yes"] > 0.95 and sum(chosen.values()) == pytest.approx(1.0)
        assert model.choose_is_exact

    def test_a_server_without_log_probabilities_is_asked_for_one_word_and_that_is_known(self):
        def old(body: dict) -> object:
            """The recorded reply as an Ollama before 0.12.11 would have given it."""
            if not body.get("logprobs"):
                return None
            status, (line,) = recorded("log-probabilities")
            reply = json.loads(line)
            del reply["logprobs"]
            return status, [json.dumps(reply) + "\n"]

        with serving(recorded_ollama(chat=old)) as server:
            model = talker(server)
            assert model.choose(YES_OR_NO, ["Yes", "No"]) == {"Yes": 1.0, "No": 0.0}
            assert not model.choose_is_exact
            assert server.bodies("/api/chat")[-1]["format"]["properties"]["choice"]["enum"] == ["Yes", "No"]

    def test_a_prompt_that_the_server_cut_is_no_prompt(self):
        with serving(recorded_ollama(chat=lambda _: recorded("prompt longer than the window"))) as server:
            model = open_ollama_model(server.address, TALKER, context_window=512)
            with pytest.raises(BackendError, match=r"longer than the 512 tokens .* raise `context_window`"):
                list(model.stream(QUESTION, max_tokens=30, temperature=0.0))

    def test_hanging_up_reaches_the_server(self):
        with serving(recorded_ollama(), pause=0.2) as server:
            stream = talker(server).stream(QUESTION, max_tokens=40, temperature=0.0)
            next(stream)
            stream.close()
            assert server.hung_up.wait(5.0)

    def test_a_model_that_is_not_pulled_is_named_with_the_command(self):
        with (
            serving(recorded_ollama()) as server,
            pytest.raises(BackendError, match="`ollama pull nobody:1b`"),
        ):
            list(talker(server, "nobody:1b").stream(QUESTION, max_tokens=2, temperature=0.0))

    def test_nobody_there_is_said_with_both_ways_out(self):
        address = dead_address()
        assert not is_running(address)
        with pytest.raises(BackendError, match=r"`ollama serve`.*`--backend embedded`"):
            list_models(address, WINDOW)
        model = open_ollama_model(address, TALKER, context_window=WINDOW)
        with pytest.raises(BackendError, match="`ollama serve`"):
            list(model.stream(QUESTION, max_tokens=2, temperature=0.0))
        with pytest.raises(BackendError, match="`ollama serve`"):
            model.choose(YES_OR_NO, ["Yes", "No"])


def thinking(*said: str, thoughts: int = 5, inline: bool = False) -> tuple[int, list[str]]:
    """The recorded thoughts, then, as the recorded model speaks, the words `said`."""
    recording = WIRE["thinking model, thinking by default"]["lines"]
    speaking = WIRE["log-probabilities"]["lines"][0]
    parts = []
    for part in recording[:thoughts]:
        message = dict(part["message"])
        if inline:
            message["content"] = message.pop("thinking")
        parts.append({**part, "message": message})
    if inline:
        parts[0]["message"]["content"] = "<think>" + parts[0]["message"]["content"]
        parts[-1]["message"]["content"] += "</think>"
    for word in said:
        message = {"role": "assistant", "content": word}
        parts.append({**recording[0], "message": message, "logprobs": speaking["logprobs"]})
    return 200, [json.dumps(part) + "\n" for part in [*parts, recording[-1]]]


class TestThinking:
    def test_a_model_that_can_is_told_not_to_think(self):
        with serving(recorded_ollama()) as server:
            model = talker(server, THINKER, thinks=True)
            assert "".join(model.stream(QUESTION, max_tokens=40, temperature=0.0)).startswith("The committee")
            model.choose(YES_OR_NO, ["Yes", "No"])
            assert [body["think"] for body in server.bodies("/api/chat")] == [False, False]

    def test_a_family_that_thinks_anyway_is_told_to_think_little(self):
        with serving(recorded_ollama(chat=lambda _: thinking("Yes"))) as server:
            model = talker(server, THINKER, thinks=True, family="gptoss")
            list(model.stream(QUESTION, max_tokens=40, temperature=0.0))
            assert server.bodies("/api/chat")[0]["think"] == "low"

    @pytest.mark.parametrize("inline", [False, True])
    def test_thoughts_show_as_empty_pieces_and_have_room_of_their_own(self, inline):
        reply = thinking("It ", "names ", "a ", "fallback.", "and more", inline=inline)
        with serving(recorded_ollama(chat=lambda _: reply)) as server:
            model = talker(server, THINKER, thinks=True, thinking_tokens=500)
            stream = model.stream(QUESTION, max_tokens=4, temperature=0.0)
            pieces = list(stream)
            assert server.bodies("/api/chat")[0]["options"]["num_predict"] == 504
        assert pieces[:5] == [""] * 5
        assert "".join(pieces) == "It names a fallback." and stream.usage.completion == 4

    def test_a_model_that_turns_out_to_think_is_asked_again_with_room(self):
        def chat(body: dict) -> object:
            return (
                thinking("A fallback.", inline=True)
                if body["options"]["num_predict"] > 100
                else thinking(inline=True)
            )

        with serving(recorded_ollama(chat=chat)) as server:
            model = talker(server)
            assert "".join(model.stream(QUESTION, max_tokens=8, temperature=0.0)) == "A fallback."
            assert [body["options"]["num_predict"] for body in server.bodies("/api/chat")] == [8, 1032]
            assert model.choose(YES_OR_NO, ["Yes", "No"])["Yes"] > 0.5

    def test_a_choice_is_read_after_the_thoughts_and_never_off_them(self):
        first_thought = WIRE["thinking model, log-probabilities by default"]["lines"][0]["logprobs"]

        def chat(_: dict) -> object:
            status, parts = thinking("Yes")
            told = [json.loads(part) for part in parts]
            for part in told[:5]:
                part["logprobs"] = first_thought
            return status, [json.dumps(part) + "\n" for part in told]

        with serving(recorded_ollama(chat=chat)) as server:
            model = talker(server, THINKER, thinks=True)
            chosen = model.choose(YES_OR_NO, ["Yes", "No"])
        with serving(recorded_ollama()) as server:
            assert chosen == pytest.approx(dict(talker(server).choose(YES_OR_NO, ["Yes", "No"])))
        assert model.choose_is_exact

    def test_a_first_token_that_could_begin_a_thought_and_does_not_is_read(self):
        with serving(
            recorded_ollama()
        ) as server:  # told not to think it says "<", with Yes before No behind it
            model = talker(server, THINKER, thinks=True)
            chosen = model.choose(YES_OR_NO, ["Yes", "No"])
        assert model.choose_is_exact and 0.5 < chosen["Yes"] < 0.6

    @pytest.mark.parametrize("choosing", [False, True])
    def test_thoughts_that_take_everything_are_said_as_such(self, choosing):
        with serving(recorded_ollama(chat=lambda _: thinking())) as server:
            model = talker(server, THINKER, thinks=True)
            with pytest.raises(
                BackendError, match=r"wrote nothing: its thoughts took all 1024 .*`coach models`"
            ):
                if choosing:
                    model.choose(YES_OR_NO, ["Yes", "No"])
                else:
                    list(model.stream(QUESTION, max_tokens=4, temperature=0.0))

    def test_a_reply_of_nothing_at_all_is_said_too(self):
        empty = json.dumps(WIRE["chat stream"]["lines"][-1]) + "\n"
        with (
            serving(recorded_ollama(chat=lambda _: (200, [empty]))) as server,
            pytest.raises(BackendError, match=r"wrote nothing; try again, or choose another"),
        ):
            list(talker(server).stream(QUESTION, max_tokens=4, temperature=0.0))


class TestListing:
    def test_every_model_is_listed_with_what_its_card_says_and_the_hosted_one_has_no_card_asked_for(self):
        with serving(recorded_ollama()) as server:
            found = {model.name: model for model in list_models(server.address, 8192)}
            asked = {body["model"] for body in server.bodies("/api/show")}
        assert HOSTED not in asked and len(asked) == 4
        assert {name: model.trouble for name, model in found.items()} == {
            EMBEDDER: "embeds only",
            BARE: "no chat template",
            HOSTED: "hosted elsewhere",
            TALKER: "",
            THINKER: "",
        }
        assert found[THINKER].thinks and not found[TALKER].thinks
        assert found[TALKER].window == 8192 and found[EMBEDDER].window == 512
        told = found[TALKER]
        assert (told.parameters, told.quantisation, told.licence) == (
            "1.8B",
            "Q4_K_M",
            "",
        )  # its card has none
        # 28 layers, 2 heads of 128 for key and value, 2 bytes: 28,672 bytes a token
        assert found[TALKER].memory - found[TALKER].size == 8192 * 28_672

    def test_a_licence_is_known_by_the_first_line_of_its_text(self):
        routes = recorded_ollama()
        routes["/api/show"] = lambda body: (
            200,
            {"model_info": {}, "license": "\nApache License\nVersion 2.0"},
        )
        with serving(routes) as server:
            found = {model.name: model.licence for model in list_models(server.address, 8192)}
        assert found[TALKER] == "Apache License"

    def test_what_does_not_fit_the_memory_is_passed_over(self, monkeypatch, tmp_path):
        monkeypatch.setattr("coach.backends.ollama_models.memory_for_a_model", lambda: 1_000_000_000)
        with serving(recorded_ollama()) as server:
            settings = load_settings(ollama_host=server.address, home=tmp_path)
            loaded = load_chat_model(settings)
            named = list_chat_models(load_settings(ollama_host=server.address, home=tmp_path, model=TALKER))
        assert loaded.backend == "none" and "too large for this machine" in loaded.reason
        assert "needs about 1.4 GB" in named.warnings[0]

    def test_the_one_used_last_goes_before_the_one_pulled_last(self, tmp_path):
        with serving(recorded_ollama()) as server:
            settings = load_settings(backend="ollama", ollama_host=server.address, home=tmp_path)
            first = load_chat_model(settings)
            assert first.model.name == THINKER and "pulled last" in first.reason  # by a quarter of a second
            assert last_used(tmp_path) == THINKER
            load_chat_model(
                load_settings(backend="ollama", ollama_host=server.address, home=tmp_path, model=TALKER)
            )
            again = load_chat_model(settings)
        assert again.model.name == TALKER and "used last" in again.reason
        assert HOSTED in again.reason and "`coach models use NAME`" in again.reason
        with serving(recorded_ollama()) as server:  # one that could not be picked is used and not remembered
            load_chat_model(
                load_settings(backend="ollama", ollama_host=server.address, home=tmp_path, model=BARE)
            )
        assert last_used(tmp_path) == TALKER

    def test_a_model_is_put_first_by_name_unless_it_could_not_be_taken(self, tmp_path):
        with serving(recorded_ollama()) as server:
            found = list_models(server.address, 8192)
        assert use_model(found, TALKER, tmp_path).name == last_used(tmp_path) == TALKER
        assert use_model(found, "qwen2.5-coder", tmp_path).name == TALKER  # its tag need not be typed
        with pytest.raises(UsageError, match=r"never becomes .* would leave this machine"):
            use_model(found, HOSTED, tmp_path)
        with pytest.raises(BackendError, match="only embeds"):
            use_model(found, EMBEDDER, tmp_path)
        with pytest.raises(UsageError, match="`ollama show --modelfile"):
            use_model(found, BARE, tmp_path)
        with pytest.raises(BackendError, match="`ollama pull absent`"):
            use_model(found, "absent", tmp_path)
        assert last_used(tmp_path) == TALKER

    def test_a_broken_note_of_the_last_model_counts_as_none(self, tmp_path):
        remember_used(tmp_path, TALKER)
        (tmp_path / "last_model.json").write_text("[]")
        assert last_used(tmp_path) is None

    def test_a_pull_that_fails_says_why(self):
        with (
            serving(recorded_ollama()) as server,
            pytest.raises(BackendError, match=r"no such host.*`coach models pull q`"),
        ):
            pull_model(server.address, "q", lambda *_: None)


class TestHostedElsewhere:
    def test_with_only_a_hosted_model_no_chat_and_no_card_request_goes_out(self, library, command):
        with serving(recorded_ollama(HOSTED)) as server:
            done = command("ask", "How many rounds are typical?", home=library, server=server)
            listed = command("models", home=library, server=server)
            examined = command("doctor", home=library, server=server)
            asked = {path for path, _ in server.requests}
        assert done.returncode == 0 and "5-7 rounds" in done.stdout
        assert HOSTED in done.stderr and "hosted elsewhere" in done.stderr
        assert HOSTED in listed.stdout and "hosted elsewhere" in listed.stdout
        assert "hosted elsewhere" in examined.stdout
        assert asked == {"/api/version", "/api/tags"}

    def test_naming_it_is_not_enough(self, tmp_path):
        with serving(recorded_ollama()) as server:
            settings = load_settings(
                backend="ollama", model=HOSTED, ollama_host=server.address, home=tmp_path
            )
            with pytest.raises(BackendError, match=r"would leave this machine\. .*`allow_hosted = true`"):
                load_chat_model(settings)
            assert "/api/chat" not in {path for path, _ in server.requests}

    def test_allowing_it_is_not_enough_either(self, tmp_path):
        with serving(recorded_ollama(HOSTED)) as server:
            settings = load_settings(allow_hosted=True, ollama_host=server.address, home=tmp_path)
            assert load_chat_model(settings).backend == "none"

    def test_named_and_allowed_it_is_used_and_said_everywhere(self, monkeypatch, library):
        with serving(recorded_ollama()) as server:
            settings = load_settings(
                backend="ollama", model=HOSTED, allow_hosted=True, ollama_host=server.address, home=library
            )
            monkeypatch.setenv("COACH_MODEL", HOSTED)
            loaded = load_chat_model(settings)
            told = lines(run_checks(settings))
            found = list_chat_models(settings)
            assert HOSTED not in {body.get("model") for body in server.bodies("/api/show")}
        assert loaded.model.name == HOSTED and "leave this machine" in loaded.leaves
        assert "leave this machine" in found.leaves
        privacy = next(line for line in told if "Privacy" in line)
        assert privacy.startswith("warning") and HOSTED in privacy and "unset COACH_MODEL" in privacy
        assert told[-1] != "All is well."
        assert last_used(library) != HOSTED

    def test_the_command_line_says_so_before_the_first_word(self, monkeypatch, library, command):
        monkeypatch.setenv("COACH_ALLOW_HOSTED", "true")
        with serving(recorded_ollama()) as server:
            done = command(
                "ask", "How many rounds are typical?", "--model", HOSTED, home=library, server=server
            )
        assert done.stderr.startswith("Note: big:120b-cloud is hosted elsewhere")
        assert "no such host" in done.stderr  # here the recorded server could not reach it

    def test_a_server_on_another_machine_is_used_and_said(self, monkeypatch, library):
        monkeypatch.setattr("coach.backends.machine.is_here", lambda _: False)
        with serving(recorded_ollama()) as server:
            settings = load_settings(ollama_host=server.address, home=library)
            loaded = load_chat_model(settings)
            privacy = next(line for line in lines(run_checks(settings)) if "Privacy" in line)
        assert loaded.backend == "ollama" and "is another machine" in loaded.leaves
        assert privacy.startswith("warning") and "OLLAMA_HOST" in privacy

    def test_a_server_elsewhere_that_does_not_answer_is_named_all_the_same(self, tmp_path):
        told = "\n".join(lines(run_checks(load_settings(ollama_host="https://192.0.2.7:1", home=tmp_path))))
        assert "warning  Privacy" in told and "192.0.2.7 is another machine" in told

    @pytest.mark.parametrize(
        ("host", "here"),
        [
            ("127.0.0.1", True),
            ("127.9.9.9", True),
            ("::1", True),
            ("localhost", True),
            ("LOCALHOST", True),
            ("192.0.2.7", False),  # an address for documentation: nobody's
            ("ollama.com", False),
            ("localhost.evil.example", False),
            ("2001:db8::1", False),
        ],
    )
    def test_what_is_this_machine_is_known_without_asking_anybody(self, host, here, monkeypatch):
        monkeypatch.setattr(machine.socket, "getaddrinfo", lambda *_: pytest.fail("a name was looked up"))
        assert machine.is_here(host) is here


class TestNamed:
    @pytest.mark.parametrize("name", ["nonsuch", EMBEDDER, HOSTED])
    def test_a_named_model_that_cannot_speak_is_never_silently_replaced(self, name, library, command):
        with serving(recorded_ollama()) as server:
            settings = load_settings(model=name, ollama_host=server.address, home=library)
            loaded = load_chat_model(settings)
            told = next(line for line in lines(run_checks(settings)) if "  Ollama " in line)
            done = command("ask", "How many rounds?", "--model", name, home=library, server=server)
        assert f"The model {name} that you named does not speak." in loaded.caution
        assert done.stderr.startswith(f"Note: The model {name} that you named does not speak.")
        assert told.startswith("broken") and "remove `model`" in told

    def test_what_the_settings_name_goes_before_what_is_put_first(self, library, monkeypatch, command):
        monkeypatch.setenv("COACH_MODEL", THINKER)
        with serving(recorded_ollama()) as server:
            used = command("models", "use", TALKER, home=library, server=server)
            listed = command("models", home=library, server=server)
        assert f"({THINKER})" in used.stderr and "COACH_MODEL" in listed.stdout


class TestNoTemplate:
    def test_it_is_passed_over_and_warned_of_when_named(self, library, command):
        with serving(recorded_ollama(BARE)) as server:
            alone = load_chat_model(load_settings(ollama_host=server.address, home=library))
            settings = load_settings(backend="ollama", model=BARE, ollama_host=server.address, home=library)
            named = load_chat_model(settings)
            told = "\n".join(lines(run_checks(settings)))
            done = command("ask", "How many rounds?", "--model", BARE, home=library, server=server)
        assert alone.backend != "ollama" and "no chat template" in alone.reason
        assert "never sees the rules and the sources" in named.caution
        assert f"`ollama show --modelfile {BARE} > Modelfile`" in named.caution
        assert "warning  Ollama" in told and "never sees the rules" in told
        assert done.stderr.startswith(f"Note: {BARE} has no chat template")


class TestAddresses:
    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            (":8080", "http://127.0.0.1:8080"),
            ("box.lan", "http://box.lan:11434"),
            ("http://box.lan", "http://box.lan:80"),
            ("https://box.lan/ollama/", "https://box.lan:443/ollama"),
            ("[::1]:8080", "http://[::1]:8080"),
        ],
    )
    def test_its_host_may_be_written_in_every_usual_way(self, host, address):
        assert ollama_address(host) == address

    def test_what_is_no_address_is_said_so(self):
        for host in ("box:port", "ftp://box", "two words"):
            with pytest.raises(BackendError, match="OLLAMA_HOST"):
                ollama_address(host)


def test_the_models_command_is_a_table_that_marks_who_speaks_and_says_why(library, command):
    with serving(recorded_ollama()) as server:
        done = command("models", home=library, server=server)
        used = command("models", "use", TALKER, home=library, server=server)
        again = command("models", "list", home=library, server=server)
    assert done.returncode == used.returncode == again.returncode == 0, done.stderr + used.stderr
    rows = {line.strip("> ").split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "hosted elsewhere" in rows[HOSTED] and "1.1 GB" in rows[TALKER] and "yes" in rows[THINKER]
    assert "Qwen2.5-Coder" in done.stdout and "8,192" in rows[TALKER]
    assert f"Speaks now: {TALKER}, used last" in again.stdout and f"> {TALKER}" in again.stdout.replace(
        ">  ", "> "
    )
