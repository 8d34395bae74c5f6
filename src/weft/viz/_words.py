"""The words on pictures, in English or Korean, and a font that has the letters.

viz.set_language("ko")
"""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

from weft.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KOREAN = {
    "Loss": "손실",
    "Accuracy": "정확도",
    "epoch": "에포크",
    "training": "훈련",
    "validation": "검증",
    "best": "최적",
    "confusion matrix": "오차 행렬",
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
    "Predictions: {right} of {count} right": "예측: {count}개 중 {right}개 정답",
    "{said}{separator}not {true}": "{said}{separator}정답 {true}",
    "The first test digits, and the surest of {n} mistakes":
        "테스트 숫자 앞부분과, 틀린 {n}개 가운데 확신이 가장 컸던 것들",
    "Weights of all units": "모든 유닛의 가중치",
    "Weights of the {count} strongest of {total} units":
        "유닛 {total}개 중 가장 강한 {count}개의 가중치",
}  # fmt: skip

# Fonts with Korean letters, of Linux, Windows and macOS.
_FONTS = (
    "NanumGothic", "Nanum Gothic", "NanumBarunGothic", "NanumSquare", "Noto Sans KR",
    "Noto Sans CJK KR", "Noto Sans CJK JP", "Source Han Sans K", "Pretendard",
    "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic", "UnDotum", "Baekmuk Gulim",
)  # fmt: skip

_settings = {"language": "en"}


def set_language(language: str) -> str:
    """Words on pictures in 'en' (English) or 'ko' (Korean) from here on.

    Returns:
        The language that pictures now have. Without a font that has Korean letters they
        stay English, and a warning says so.
    """
    if language not in ("en", "ko"):
        raise ArgumentError(f"set_language: expected 'en' or 'ko'; received {language!r}")
    if language == "ko" and korean_font() is None:
        _warn_without_font("pictures stay English")
        language = "en"
    _settings["language"] = language
    return language


def _warn_without_font(consequence: str) -> None:
    warnings.warn(
        f"viz: no font with Korean letters was found, and {consequence}; install one, for "
        "example with: apt install fonts-nanum",
        stacklevel=3,
    )


def without_matplotlib(error: ImportError) -> MissingExtraError:
    """What to say where pictures cannot be drawn."""
    return MissingExtraError(
        "weft.viz: pictures are drawn with matplotlib, which cannot be imported "
        f'({error}); install it with: pip install "weft[plot]"'
    )


def korean_font() -> str | None:
    """The name of an installed font that has Korean letters."""
    try:
        from matplotlib import font_manager
    except ImportError as error:
        raise without_matplotlib(error) from error

    manager = font_manager.fontManager
    if not {font.name for font in manager.ttflist}.intersection(_FONTS):
        # matplotlib keeps a list on disk, which doesn't know what was installed since.
        listed = {font.fname for font in manager.ttflist}
        for path in set(font_manager.findSystemFonts()) - listed:
            with contextlib.suppress(OSError, RuntimeError):
                manager.addfont(path)
    known = {font.name for font in manager.ttflist}
    return next((name for name in _FONTS if name in known), None)


def word(text: str, **values: object) -> str:
    """Words in the language that is set, with `values` in place; unknown ones stay."""
    found = _KOREAN.get(text, text) if _settings["language"] == "ko" else text
    return found.format(**values) if values else found


def use_korean_font(figure: Figure) -> bool:
    """Give all texts of a matplotlib figure a font that has Korean letters.

    Returns:
        Whether there is one. Without one a warning says what to install.

    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> _ = axes.set(xlabel="에포크", ylabel="손실")
    >>> found = use_korean_font(figure)
    """
    from matplotlib.text import Text

    font = korean_font()
    if font is None:
        _warn_without_font("Korean words are drawn as empty boxes")
        return False
    # Powers of ten are formulas, for which one font must do; Nanum's lack the minus sign.
    powers = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        if axis.get_scale() == "log"
        for label in axis.get_ticklabels(which="both")
    }
    for text in set(figure.findobj(Text)) - powers:
        text.set_fontfamily([font, "DejaVu Sans"])  # type: ignore[attr-defined]
        # Few Korean fonts have a bold of the weight that matplotlib asks for.
        text.set_fontweight("normal")  # type: ignore[attr-defined]
    return True


def use_font(figure: Figure) -> None:
    """Give a figure's texts a font that has the letters they need."""
    from matplotlib.text import Text

    texts = (text.get_text() for text in figure.findobj(Text))  # type: ignore[attr-defined]
    is_korean = _settings["language"] == "ko"
    if is_korean or any("가" <= letter <= "힣" for text in texts for letter in text):
        use_korean_font(figure)


__all__ = [
    "korean_font", "set_language", "use_font", "use_korean_font", "without_matplotlib", "word",
]  # fmt: skip
