"""The colours of the pictures: Okabe and Ito's, told apart by the colour-blind and read on light and on dark."""

from __future__ import annotations

BLUE, ORANGE, GREEN, PINK, GREY = "#2f86c9", "#d9772b", "#009e73", "#cc79a7", "#8b9499"
