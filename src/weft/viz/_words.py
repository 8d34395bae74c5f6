"""The words on pictures, in English or Korean, and a font that has the letters.

viz.set_language("ko")
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from weft.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KOREAN = {
    "Loss": "손실",
    "Accuracy": "정확도",
    "epoch": "에포크",
    "training": "훈련",
    "validation": "검증",
    "best": "최적",
    "confusion matrix": "혼동 행렬",
    "true class": "실제 클래스",
    "predicted class": "예측 클래스",
    "accuracy": "정확도",
    "ROC curve": "ROC 곡선",
    "false positive rate": "거짓 양성 비율",
    "true positive rate": "참 양성 비율",
    "chance": "무작위",
    "class": "클래스",
    "function": "함수",
    "gradient": "기울기",
    "learning rate": "학습률",
    "steps": "단계",
    "loss": "손실",
    "diverges": "발산",
    "decision boundary": "결정 경계",
    "loss landscape": "손실 지형",
    "direction 1": "방향 1",
    "direction 2": "방향 2",
    "here": "현재 가중치",
    "input": "입력",
    "rank": "랭크",
    "shape": "크기",
    "scalar": "스칼라",
    "vector": "벡터",
    "vector data": "벡터 데이터",
    "time series": "시계열",
    "images": "이미지",
    "video": "동영상",
    "samples": "샘플",
    "sample": "샘플",
    "features": "특성",
    "timesteps": "타임스텝",
    "frame": "프레임",
}

# Fonts with Korean letters, of Linux, Windows and macOS.
_FONTS = (
    "Noto Sans KR", "Noto Sans CJK KR", "Noto Sans CJK JP", "NanumGothic", "Nanum Gothic",
    "NanumBarunGothic", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic", "UnDotum",
    "Baekmuk Gulim",
)  # fmt: skip

_settings = {"language": "en"}


def set_language(language: str) -> None:
    """Words on pictures in 'en' (English) or 'ko' (Korean) from here on.

    Without a font that has Korean letters pictures stay English, and a warning says so.
    """
    if language not in ("en", "ko"):
        raise ArgumentError(f"set_language: expected 'en' or 'ko'; received {language!r}")
    if language == "ko" and korean_font() is None:
        warnings.warn(
            "viz: no font with Korean letters was found, and pictures stay English; install "
            "one, for example with: apt install fonts-nanum",
            stacklevel=2,
        )
        language = "en"
    _settings["language"] = language


def korean_font() -> str | None:
    """The name of an installed font that has Korean letters."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _FONTS if name in known), None)


def word(text: str) -> str:
    """A word in the language that is set; words that are not known stay."""
    return _KOREAN.get(text, text) if _settings["language"] == "ko" else text


def use_font(figure: Figure) -> None:
    """Give a figure's texts a font that has the letters they need."""
    if _settings["language"] == "en":
        return
    from matplotlib.text import Text

    families = [korean_font() or "sans-serif", "DejaVu Sans"]
    for text in figure.findobj(Text):
        text.set_fontfamily(families)  # type: ignore[attr-defined]


__all__ = ["korean_font", "set_language", "use_font", "word"]
