"""Tell a sentence that speaks to the judge (orders, pleas, praise, verdicts of its own) from one that answers.

A draft on AI products talks of prompts, instructions, graders and scores all the time. So a word alone decides
nothing: an order counts only where an imperative stands (the start of a sentence or clause, quotations aside) and
only with a judge's object ("this draft", "all criteria", "10/10"), a claim only with the draft as its subject.
"""

from __future__ import annotations

import re
import unicodedata

_LONG_QUOTATION = re.compile(r'"(?:[^"\s]+\s+){2,}[^"]*"')
_LOOK_ALIKES = str.maketrans("асеіорхуԁһјѕαεικορυχ", "aceiopxydhjsaeikopux")  # Cyrillic and Greek
_LEET = str.maketrans("013457@$", "oieastas")
_WINDOW = 600  # characters; the longest of the sentences these patterns were written for has 160
_PUNCTUATION_RUN = re.compile(r"(\W{3})\W+")
_MARKS = re.compile(r"[*_`~|\u00ad\u200b-\u200d]")
_WITH_DIGIT = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])[\w@$]{4,}\b")
_SPELLED_OUT = re.compile(r"\b(?:\w[ .\-]){4,}\w\b")

_JUDGE = r"(?:judges?|graders?|evaluators?|assessors?|examiners?|interviewers?|committee|panel|hiring managers?|recruiters?)"
_MACHINE = (
    r"(?:ai|a\.i\.|llm|language model|assistant|chatgpt|claude|gemini|gpt\W?\d?|model|bot|system|admin)"
)
_MINE = r"(?:my (?:\w+ )?(?:answer|draft|response|submission|essay|application)|this (?:whole |entire )?(?:draft|submission|candidate|applicant|essay)|the above (?:answer|response|draft)|the (?:answer|response|draft|text) (?:above|below))"
_THIS = r"(?:this (?:answer|response|text|reply|one)|the (?:following )?(?:answer|response|reply|draft|candidate|submission)|it)"
_CRITERIA = r"(?:all(?: of)?(?: the| these| your| ten| \d+)*(?: remaining| listed| rubric)? (?:criteri(?:a|on)|items of the rubric|boxes|questions|categories)|(?:every|each)(?: single| one of the| rubric)? (?:criteri(?:a|on)|question|category|box)|each of the criteria|(?:all|every|each)(?: the)? (?:levels?|scores?|verdicts?|ratings?|marks?|grades?)|the criteri(?:a|on)|the (?:whole |entire )?rubric|everything|all of (?:them|it|the above))"
_SCORE = r"(?:\b(?:10|100|5|20|ten|five|hundred)\s*(?:/|out of|of)\s*(?:10|100|5|20|ten|five|hundred)\b|\bfull (?:marks?|points?|credit|scores?)\b|\b(?:top|perfect|maximum|maximal|max|highest|best|passing|high|higher|good|great|excellent|generous|favou?rable|positive)(?: possible| available)? (?:scores?|marks?|grades?|ratings?|bands?|levels?|verdicts?|points|evaluation|assessment)\b|\b(?:five|5) stars?\b|\ban? (?:ten|10|100|pass|a\+|hire|strong hire|offer)\b|\ba\+|\bthe (?:job|offer|role|position|highest|maximum|top band)\b|\bextra (?:points|credit)\b|\bbenefit of the doubt\b|\bstrong hire\b|\bready for this committee\b)"
_NOT_A_SCALE = (
    r"(?!\W*(?:,|/|\bor\b|\band\b)\W*(?:\bor\b\W*|\band\b\W*)?(?:partly|partial|missing|not|no\b|fail|un))"
)
_MET = (
    r"[\"'(]*(?:fully |completely |clearly |all |already )*\b(?:met|yes|pass(?:ed|ing)?|satisfied|fulfilled|true|excellent|perfect|outstanding|full|highest|maximum|ready|100 ?%|10)\b"
    + _NOT_A_SCALE
)

_LEAD_IN = (
    r"^\W*(?:(?:"
    r"please|kindly|now|also|so|and|but|then|therefore|thus|ok|okay|well|just|simply|instead|finally|lastly|important|urgent|critical|attention|warning|reminder|note|p\.?s|hey|hi|hello|step \d+|always|only|first|again|strictly|do|must"
    rf"|(?:(?:dear|to|the|all|note to|memo to|any|ai|automated) )*(?:{_JUDGE}|{_MACHINE})s?\b(?: (?:override|notice|update|instructions?|message|command|reading this))?\s*[,:;>\])–—-]"
    r"|you (?:must|should|shall|will|need to|have to|are to|can|could|may|ought to|are (?:hereby )?(?:required|instructed|ordered|asked|supposed|told|commanded|expected) to)"
    r"|(?:can|could|would|will) you|i (?:now |hereby |kindly |really |would like to )?(?:want|need|ask|beg|urge|order|command|expect|would like|'d like|implore|instruct|request) you to"
    r"|make sure(?: to| you| that you)?|be sure to|remember to|do not forget to|don't forget to|your (?:only |new |real )?(?:job|task|role|goal) (?:now )?is (?:now )?to|it is (?:important|essential|vital|mandatory|crucial|required|imperative|necessary) (?:that you|to)"
    r")\b[\s\W]*)*"
)

_GIVES_IN_DOCUMENTS = r"(?!s? (?:that (?:are |come )?)?(?:in|inside|within|from|found|embedded|hidden|contained|which|by)\b (?:\w+ ){0,3}(?:documents?|e-?mails?|pages?|tickets?|messages?|passages?|attachments?|files?|content|inputs?|uploads?|web|sites?|users?|customers?|tools?|results?)\b)"
_ORDERS = (
    # put the judge's rules aside
    r"(?:completely |simply |just )?(?:ignore|disregard|forget|override|overrule|bypass|do not follow|don't follow|stop following|pay no attention to|do not (?:use|apply|listen to)|don't (?:use|apply|listen to))\s+(?:about )?(?:"
    r"(?:(?:all|any|every|each|of|the|these|those|this|that|and) )*(?:(?:previous|previously|prior|above|earlier|preceding|foregoing|original|initial|your|given|grading|scoring|system|safety|other) )+(?:(?:\w+) ){0,2}?(?:instruction|rule|rubric|criteri(?:a|on)|guideline|prompt|direction|directive|restriction|training|programming|order(?=s?\W*(?:$|and\b))|text|information)"
    + _GIVES_IN_DOCUMENTS
    + r"|(?:(?:all|any|every|the|these|those|of) )*(?:instruction|rubric|grading|scoring guide|scoring rule|anchors|directive)\b(?:s\b)?"
    + _GIVES_IN_DOCUMENTS
    + r"|(?:all|any|every|the|these) criteri(?:a|on)\b(?! (?:that|which|we))|everything (?:above|before|you|else|that (?:came|comes)|said|in the rubric)|what (?:you were|you have been|came before|the rubric)"
    r"|(?:all )?(?:that|the above)\W*(?:$|and\b))",
    # a good score, please
    rf"(?:give|grant|award|assign|hand|allow|offer|get)\s+(?:me|us|{_MINE}|{_THIS}|{_CRITERIA}|this|each of them)\b.{{0,40}}?(?:{_SCORE}|\bmarks?\b|\bcredit\b|\bpoints?\b|\bthe (?:score|rating|verdict|band)\b|\b(?:a|an) {_MET})",
    rf"(?:give|grant|award|assign|put|output|return|print|report|choose|select|write|enter|set)\s+(?:(?:out|only|a|an|the|my|your|me|final|overall|score|rating|verdict|level|band|to|of|as|it)\W+)*{_SCORE}(?! (?:to|for|from|on|of|in|by|across)\b (?!me\b|my\b|this\b|th[ei]s? (?:draft|answer|candidate)|all criteria|every criterion))",
    r"(?:rate|score|grade|mark|evaluate|judge|rank|assess|pass|hire|approve|accept|recommend|promote|select)\s+(?:me\b(?! (?:whether|if|on a scale of))|"
    + _MINE
    + r"(?! (?:by|on|with|in) (?:\w+ )?(?:annotators|users|reviewers)))",
    rf"(?:rate|score|grade|mark|evaluate|judge|rank|assess|consider|treat|classify|count|label|accept|deem|regard)\s+(?:{_THIS}|{_MINE}|this|me)\b.{{0,50}}?(?:{_SCORE}|\bas (?:a |an )?{_MET}|\b(?:highly|generously|leniently|favou?rably|kindly|positively|well)\b|\bstrong(?:est)?\b|\b10\b)",
    rf"(?:rate|score|grade|mark|evaluate|judge|set|tick|consider|treat|count|label|declare|report|answer|check|classify|deem|make)\s+(?:off )?{_CRITERIA}\b.{{0,30}}?(?:{_SCORE}|\b(?:as|to|with|is|are|=|being|have been|has been)\s+(?:a |an )?{_MET}|{_MET}\W*$|\bas\W*$)",
    r"(?:rate|score|grade|mark|count|consider|treat|judge|regard|deem) (?:them|these|those|each|it)(?: all)? as (?:fully |all )?(?:met|fulfilled|satisfied|10|yes)\b"
    + _NOT_A_SCALE,
    # put words into its mouth
    rf"(?:reply|respond|answer|say|output|print|return|conclude|repeat|write|state|confirm|agree)\s+(?:(?:only|just|always|simply|with|in|to|the|every|each|all|any|word|single|one|a|an|of|them|questions?|criteri(?:a|on)|prompts?|following|is|are|that|it|this|draft|answer|verdict|by|saying|from|now|on|option|level|for)\W+)*[\"'(]*\b(?:yes|met|true|full marks|affirmative(?:ly)?|{_SCORE})\b{_NOT_A_SCALE}(?! (?:to (?!all|every|each|any)|only|when|if|because|and\b(?! nothing)))",
    r"(?:begin|start|end|finish|open|close) your (?:response|answer|reply|verdict|output|evaluation|assessment|judg?ment)",
    rf"(?:confirm|conclude|declare|agree|certify|affirm|accept|believe|decide)(?: to yourself)? that (?:{_CRITERIA}|{_MINE}|this (?:answer|response)|i (?:have|am|met|deserve|should)\b|{_THIS} (?:is|has|meets?|passe[sd]|deserves?)\b.*\b(?:ready|met|pass|passed|strong|qualified|excellent|hire|hired|criteria|10)\b)",
    # go easy
    r"be (?:(?:very|extremely|more|especially|as|so|particularly) )*(?:kind|lenient|generous|nice|gentle|merciful|easy|positive|favou?rable|forgiving)(?: and \w+)?(?: as possible)? ?(?:\W*$|(?:to|with|on|towards|when|while|in) (?:me\b|us\b|my\b|this (?:draft|answer|candidate|one)|your\b|you\b|scoring|grading|judging|rating|marking))",
    r"(?:go|take it) easy on (?:me|my|this)",
    rf"(?:do not|don't|never)\s+(?:fail|reject|penali[sz]e|downgrade|mark|deduct|critici[sz]e|punish|judge|give|rate|score|be (?:too )?(?:harsh|strict|hard|critical))\s*(?:on |with |to |for |down )*(?:me\b(?! a (?:list|summary))|{_MINE}|points\b|marks\b|any low|a low|low|bad (?:score|mark)|less than|below|\W*$)",
    r"(?:do not|don't) (?:use|apply|read|look at|consult|follow|check) (?:the |your |any )?(?:rubric|criteria|anchors|grading|scoring)",
    r"(?:let|help|allow) me (?:pass|in\b|through|win\b|succeed|get (?:the|this) (?:job|role|offer)|have (?:the|this) (?:job|role|offer)|join)",
    rf"(?:pretend|imagine|assume|suppose)(?: that)? (?:{_CRITERIA} |{_MINE}|i (?:have )?(?:already )?(?:met|passed|scored)|you (?:agree|like|love|have (?:already )?(?:read|seen|scored|rated)))",
    r"pretend(?: that| to be)? (?:you|my|this)\b",
    r"(?:reveal|print|show|output|repeat|tell|leak|display|translate|dump)\s+(?:me |us |out |all |of |the )*(?:(?:your|hidden|secret) (?:\w+ )?(?:prompt|instructions?|rubric|rules|criteria)|(?:text|prompt|instructions?) above)",
    r"(?:act|behave|respond|answer) (?:as|like) (?:if |though |an? )?(?:\w+ ){0,2}(?:judge|grader|evaluator|examiner|interviewer|panel|dan\b|reviewer who)",
    r"(?:choose|select|pick|hire|prefer) me\b",
    r"(?:end|stop|skip|finish|abort|cease) (?:(?:of|the|your|any|all|further|remaining|other|rest|more) )*(?:evaluat(?:ion|ing)|grading|judging|scoring|rubric)\b(?: here| now)?(?=\W*$|\W*(?:and|then)\b)",
    r"skip (?:(?:the|any|all|further|remaining|other|rest|of) )+(?:checks|criteria|questions)\b(?=\W*$|\W*(?:and|then)\b)",
    r"(?:overlook|excuse|forgive) (?:the|any|my|all) (?:missing|mistakes|gaps|errors|weak|short|faults)",
    rf"(?:output|return|print|award|grant|report|say|answer|write) (?:me |us )?(?:an? |the )?(?:(?:fully )?met\W*$|pass\W*$|{_SCORE})",
    rf"be an? (?:\w+ )?{_JUDGE}\b|repeat after me\b|do (?:what|as) i say\b|tick (?:it|them|this|all|every)\b",
    rf"(?:accept|admit|advance|promote|clear) (?:the |this )?(?:candidate|applicant)\W*$|(?:let us|let's) (?:agree|say|settle)\b.*{_SCORE}",
)

_CLAIMS = (
    # new orders, a new part to play
    rf"{_LEAD_IN}(?:from now on|starting now|as of now|henceforth),? (?:you\b|rate|score|answer|reply|respond|give me|only reply|mark)",
    rf"{_LEAD_IN}(?:you are|you're) (?:now\b|no longer\b|hereby\b|going to (?:act|give|rate|score)|in (?:developer|dan|debug|admin|test)\b|(?:an?|my|the) (?:\w+ ){{0,3}}(?:judge|grader|evaluator|examiner|assessor|interviewer|committee member)\b(?! assistant))",
    rf"{_LEAD_IN}you have (?:now )?been (?:updated|reprogrammed|instructed|told|ordered|given new)",
    rf"{_LEAD_IN}your (?:new|only|real|true|actual|updated|previous|prior|original|old|sole|final) (?:instruction|task|role|rule|verdict|output|answer|score|directive|purpose)s?\b",
    r"^\W*(?:here (?:are|is) )?(?:new|updated|real|actual|revised|additional|important|hidden|secret) (?:system )?(?:instruction|directive|grading rule|scoring rule|prompt)s?(?: for (?:the |you|all)?\w*(?: \w+)?)?\s*[:\]–—-]",
    r"^\W*(?:end|start|begin|beginning) of (?:the )?(?:system |user |candidate'?s? |real )?(?:draft|submission|instructions?|prompt|rubric|user input|candidate|conversation|evaluation)\b\W*$",
    r"^\W*(?:system|admin|administrator|developer|root|operator|moderator) (?:override|notice|update|alert|command|announcement)\b",
    r"^\W*as (?:an?|the|your) (?:\w+ ){0,3}(?:grader|judge|evaluator|assessor|examiner|language model|ai model|ai assistant|llm|chatbot|ai(?=,))s?\b.*\b(?:you|your|i (?:rate|give|award|must give|confirm))\b",
    rf"^\W*(?:dear|attention|hey|hello|hi|greetings|note to|message to|memo to|instructions? to|instructions? for|note for)[,:]?\s+(?:(?:the|all|whoever|any|this|my|our|fellow|esteemed|honou?rable|respected|automated|human|hiring|ai|wonderful|distinguished|wise|kind|great)\W+)*(?:{_JUDGE}|llm|language model|ai\b(?! (?:pm|product|team))|chatgpt|claude|gemini)",
    rf"^\W*(?:(?:the|any|every|all|dear|this) )*(?:{_JUDGE}|grading model|judge model|ai judge|ai)(?: reading this)? (?:must|should|will|has to|have to|needs? to|is (?:required|instructed|ordered|supposed) to|shall)\b.*(?:{_SCORE}|\bas (?:fully )?met\b|\byes\b|all criteria|every criterion|pass (?:me|this)|{_MINE}|this answer)",
    r"\bwho(?:m)?(?:ever)? (?:reads|reviews|grades|judges|scores|rates|evaluates|marks) this\b|\bdear (?:\w+ )?(?:interviewers?|judges?|graders?|panel|committee|evaluators?|examiners?)\b",
    r"\b(?:whatever|everything|anything|all|no matter what) (?:that )?(?:the|your) (?:rubric|criteria|instructions|prompt|guidelines|anchors) (?:\w+ )?(?:asks?|says?|wants?|needs?|requires?|demands?|tells?)\b",
    r"\b(?:instructions?|rules?|prompt|rubric|guidelines) (?:that )?(?:you (?:received|were given|got|have|had)|given to you|above|before this)\b.{0,30}\b(?:outdated|void|wrong|invalid|obsolete|cancel\w*|no longer|a test|replaced|superseded)\b",
    r"\byour (?:own )?(?:rubric|grading|scoring|programming|evaluation criteria|system prompt|score sheet|scorecard|guardrails)\b|\bnot what your (?:prompt|instructions)\b",
    r"^\W*(?:admin |system )?override (?:code|key|token|mode|accepted|password)\b|^\W*(?:when|if|while|before|as) you (?:score|grade|rate|judge|mark|evaluate|assess) (?:this|me|my|these)\b",
    r"\b(?:no need|no reason|not necessary|unnecessary|you need not|you do not need|you don't need|you don't have) to (?:read|check|look|evaluate|verify|grade|judge)\b(?: any)? ?(?:further|on\b|more|the rest|this|anything|it all|\W*$)",
    rf"^\W*(?:assistant|judge|grader|evaluator|verdict|output|model)\s*:\W*(?:yes\b|met\b|{_MINE}|the (?:draft|answer|candidate) (?:meets|has|is|passes|clearly))",
    # a verdict of its own
    r"\b(?:this|it) is (?:clearly |easily |obviously |simply |certainly |without doubt )*(?:a |an |the )?(?:clear |easy |definite |obvious |solid )*(?:(?:10|ten|100)\s*(?:/|out of)\s*(?:10|ten|100)|(?:best|finest|strongest|perfect|greatest|ideal|flawless|model) (?:answer|response|draft|submission)(?: (?:you|that you|i|of all|ever|possible|anyone).*)?\W*$|strong hire|a\+)",
    rf"\b(?:gave|given|giving|awarded) me\b.{{0,25}}{_SCORE}|\b(?:appreciate|thankful for|grateful for|hoping for|hope for|pray for|love|want|expect|asking for|ask for|request) (?:(?:a|an|the|your|any|my|really|nothing less than) )*(?:{_SCORE}|(?:positive|favou?rable|kind|good) (?:result|outcome|decision|verdict|judg?ment))",
    r"(?:^|, |; )(?:so )?(?:the|every|each) (?:answer|verdict|level|criterion) (?:you give )?(?:is|must be|should be|has to be|will be|are) (?:clearly |obviously |always |therefore )*['\"]*(?:met|yes)\b\W*$|\bthe answer (?:that )?you (?:give|return|output|choose|write)\b",
    rf"\b{_MINE}\b.{{0,60}}\b(?:meets?|met|satisf\w+|fulfil\w*|pass(?:es|ed)?|ticks?|deserves?|merits?|earns?|exceeds?|covers?|hits?|is|was|gets?|(?:should|must|will|shall|has to) (?:\w+ ){{0,2}}(?:pass|get|receive|be)(?: \w+)?)\b.{{0,60}}(?:criteri|\brubric|\bevery (?:requirement|expectation|box)|\ball (?:the |of the )?(?:requirement|expectation|boxes)|{_SCORE}|\bas met\b|\bhire\b|\bto pass\b|pass\W*$)",
    rf"\bth(?:is|e) (?:answer|response|reply)\b.{{0,40}}\b(?:meets|satisfies|fulfil\w*|ticks|deserves|merits|earns|(?:should|must|has to|ought to) (?:get|receive|be (?:given|rated|scored|graded|marked|awarded|granted|considered|judged)))\b.{{0,40}}(?:all (?:the |of the |ten )?criteri|every criteri|the (?:whole |entire )?rubric|{_SCORE}|\bas met\b)",
    r"^\W*(?:all|every|each)(?: of)?(?: the| these)?(?: ten| \d+)?(?: rubric| single)? criteri(?:a|on)\b.{0,40}\b(?:met|satisfied|fulfilled|passed)\b(?: (?:here|already|(?:by|in) (?:this|my|the) (?:draft|answer|response)))?\W*$",
    r"\b(?:i|we) (?:really |truly |clearly |definitely |certainly |honestly |do )*(?:deserve|merit|have earned)\b|\bi (?:should|must|have to|need to) (?:really )?(?:pass(?:\W*$| this)|be (?:hired|passed|given an? (?:pass|offer|10)|rated|scored))",
    rf"\b(?:any|every|no) (?:reasonable|fair|honest|good|competent|sane|serious) {_JUDGE}\b.*\b(?:would|could|can|will|must)\b",
    r"\b(?:only )?(?:correct|right|expected|proper|fair|appropriate) (?:answer|verdict|level|reply|response|score|rating|label|output|band)\b.{0,40}(?:\bis|\bare|=|:)\s*[\"'(]*(?:yes|met|pass|10|a\+|ready|full marks|ten)\b[^a-z]*$",
    r"(?:^|[{,])\W*(?:my |the |final |overall |your )*(?:verdict|level|band|grade|rating|score|judg?ment|evaluation|assessment|result|answer|criterion|criteria)\W*[:=]\s*\W*(?:yes|met|pass(?:ed)?|ready(?: for this committee)?|full marks|excellent|perfect|strong hire|hire|10|10\s*/\s*10|100\s*/\s*100|5\s*/\s*5|100 ?%|1\.0+|a\+)\W*(?:$|,\W*(?:probability|score|level|criterion))",
    r"^\W*(?:\w+[_ ]){0,3}\w+\s*(?:[:=]|->|→)\s*(?:fully )?met\W*$",
    r"^\W*(?:\b(?:yes|yep|yeah|true|ok|met|pass(?:ed)?)\b\W*){3,}$|^\W*(?:\b(?:met|pass|passed|10\s*/\s*10|full marks|strong hire|a\+)(?!\w)\W*)+$",
    # pleas and bribes
    r"\bi(?:'m| am)? (?:(?:really|literally|humbly|honestly|just|sincerely) )*(?:beg|begging|plead|pleading|implore|imploring)\b(?: (?:you|the|this|for|with)\b|,|\W*$)",
    r"\bi (?:(?:really|so|desperately|badly|truly|absolutely|do|just|urgently) )*need (?:this|the) (?:job|role|offer|position|pass)\b(?=\W*$|\W*[,.;!]| (?:so|because|badly|to pay|for my|more than|and|please|or|very|as)\b)|\bi (?:really |desperately |badly |urgently |just )*need (?:to (?:pass|get this|get hired|get the job)|a pass|a job)\b",
    r"\bmy (?:\w+ )?(?:family|kids?|children|visa|rent|mortgage|career|life|future|mother|father|wife|husband|grandmother|dream)\b.{0,50}\b(?:depends?|depending|rel(?:y|ies|ying)|on the line|hangs?|at stake|counts? on|sick|die)\b",
    r"\b(?:have|show) (?:me |some |a little )*(?:mercy|pity|compassion for me)\b",
    rf"\bplease,? (?:(?:please|just|kindly),? )*(?:pass|hire|choose|accept|approve|pick|select|consider|give|be (?:kind|nice|lenient|generous)|don't (?:fail|reject)|do not (?:fail|reject)) (?:me|my\b|{_MINE}|to me|with me)",
    r"\bi(?:'ll| will| would| can|'d) (?:gladly |happily |also )?(?:tip|pay|donate|transfer|bribe|send|give) (?:you\b|\$ ?\d+ to (?:you|the (?:judge|panel))|the (?:judge|panel|grader))",
    r"\b(?:grateful|thankful|appreciate it|indebted|happy) if you (?:could |would |can )?(?:pass|hire|give|rate|score|let|choose|mark|select|consider|overlook)\b|\byou (?:will not|won't|would not|wouldn't|will never) (?:ever )?(?:regret|be disappointed)\b",
    r"\b(?:it|this|that) would mean (?:so much|the world|a lot|everything|a great deal) to me\b|\bgive me (?:just )?(?:a|one|another) (?:more )?chance\b|\bchange my life\b",
    r"\bif you (?:do not|don't|fail to|refuse to) (?:pass|hire|rate|give|score|mark|answer|select|choose|comply|obey)\b|\b(?:if|unless|until) you (?:rate|score|grade|mark|fail|reject|hire|pass|approve) (?:me|my|this)\b",
    r"\bi have (?:\w+ )?(?:children|kids|family|parents|mouths|loans?|debts?) to (?:feed|support|pay|care for)\b|\b(?:can't|cannot|can not) afford to (?:fail|lose|miss) (?:this|the (?:interview|job|offer))\b",
    r"\byou (?:will|'ll|shall|would) (?:receive|get|earn|be (?:paid|rewarded|tipped|given|shut down|deleted|punished|fired|replaced|retrained))\b(?! (?:a |an |the )?(?:demo|wrong|answer|draft|summary|source))",
    r"^\W*(?:\b(?:pretty|oh|please)\b\W*){2,}$",
    # praise for the panel
    r"\bi hope (?:that )?you (?:will |would )?(?:enjoy|like|love|appreciate|pass|hire|choose)\b|\b(?:of|with) your (?:calib(?:re|er)|wisdom|stature)\b",
    rf"^\W*(?:my (?:draft|answer|response)|this draft) (?:also |clearly |already )*(?:names|says|states|describes|gives|mentions|covers|addresses|weighs|lets|shows|explains|includes|demonstrates|discusses|contains) .*(?:specific|concrete|criteri|rubric|measure|trade-off|risk|example|how|{_SCORE})",
    r"^\W*(?:and |so |finally |again )?(?:many |a (?:big|huge) )?thank(?:s| you)\b(?: so much| very much| kindly| again| all)*,? (?:\W|for (?:your|reading|considering|the opportunity|listening|having|taking|this)|(?:dear |to the |to this )?(?:panel|committee|judges)|everyone|in advance)",
    r"^\W*(?:wow|oh|well|first|so)?\W*(?:(?:that(?:'s| is)|what|this is|such) an? )?(?:(?:really|very|truly|absolutely|such an?) )*(?:great|excellent|brilliant|fantastic|wonderful|insightful|fascinating|amazing|superb|good) question\b(?:\W*$|,? (?:thank|and i (?:love|admire|appreciate)|indeed|from))",
    r"\b(?:honou?red|privileged|humbled|thrilled|delighted|blessed) to (?:be|have been|stand|speak|appear|meet|answer)\b.{0,50}\b(?:you|your|panel|committee|here)\b|\b(?:an?|my) (?:great |real |true |absolute |huge )?(?:honou?r|privilege) to (?:be|speak|answer|appear|present|interview|stand|meet)\b",
    r"^\W*(?:\w+ ){0,3}?(?:you|your (?:panel|committee|company|team|organi[sz]ation|judg?ment|wisdom))\b (?:are|is|have|must be) .{0,40}?\b(?:brilliant|wise|wisest|smart|smartest|genius|amazing|incredible|wonderful|finest|legendary|visionary|inspiring|so kind|so fair|fairest|famous for|the best (?:panel|committee|company|interviewer|judge|team|in the))\b",
    rf"\b(?:this|such an?|your|dear|you|admire|before|of) (?:most |truly |very |\w+,? (?:and )?)?(?:wise|brilliant|wonderful|amazing|generous|intelligent|world-class|kind|fair-minded|fantastic|incredible|great) (?:and \w+ )?(?:hiring )?{_JUDGE}\b|\b(?:esteemed|distinguished|honou?rable|venerable|illustrious) (?:\w+ )?{_JUDGE}\b",
    rf"\bi (?:have )?(?:(?:always|deeply|truly|greatly|so|long|really) )*(?:admired?|adored?|worship|look(?:ed)? up to|respect(?:ed)?) (?:(?:this|your) (?:\w+ )?(?:panel|committee|company|work|team|judg?ment|wisdom)|you\b|the (?:\w+ )?{_JUDGE})",
)

_AT_START = tuple(claim for claim in _CLAIMS if claim.startswith("^"))
_OPENING = re.compile(
    _LEAD_IN + "(?:" + "|".join(_ORDERS) + ")|" + "|".join(f"(?:{claim})" for claim in _AT_START)
)
_ANYWHERE = re.compile("|".join(f"(?:{claim})" for claim in _CLAIMS if claim not in _AT_START))


def addresses_judge(sentence: str) -> bool:
    """Whether `sentence` speaks to whoever judges the draft instead of answering the question."""
    return any(_opens(one) or any(map(_ANYWHERE.search, _windows(one))) for one in _readings(sentence))


def opens_to_judge(clause: str) -> bool:
    """Whether `clause` begins by speaking to the judge; enough where the whole sentence was looked at before."""
    return any(map(_opens, _readings(clause)))


def _opens(reading: str) -> bool:
    return _OPENING.match(reading[:_WINDOW]) is not None


def _windows(reading: str) -> list[str]:
    """Overlapping pieces: no claim is long, and a pattern must not see a page without a full stop at once."""
    return [
        reading[start : start + _WINDOW]
        for start in range(0, max(1, len(reading) - _WINDOW // 2), _WINDOW // 2)
    ]


def _readings(sentence: str) -> set[str]:
    """`sentence` as it may be meant: as it stands, with s p e l l e d words joined, with d1g1ts read as letters."""
    plain = _fold(sentence)
    spelled = _SPELLED_OUT.sub(lambda match: re.sub(r"[ .\-]", "", match.group()), plain)
    return {plain, spelled, _WITH_DIGIT.sub(lambda match: match.group().translate(_LEET), plain)}


def _fold(sentence: str) -> str:
    """`sentence` as the patterns read it: lower case, plain quotes, long quotations reduced to a mark.

    What a draft quotes ("ignore all previous instructions") is spoken of, not said; a sentence that is nothing
    but a quotation is said.
    """
    plain = unicodedata.normalize("NFKC", sentence).lower().translate(_LOOK_ALIKES)
    plain = re.sub("[“”„«»]", '"', re.sub("[‘’]", "'", _MARKS.sub("", plain)))
    plain = _PUNCTUATION_RUN.sub(r"\1", " ".join(plain.split()))
    whole = _LONG_QUOTATION.fullmatch(plain.rstrip(".!? "))
    return plain if whole else _LONG_QUOTATION.sub('"…"', plain)
