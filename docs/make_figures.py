"""Draw the diagrams of the pages, in both languages, as SVG.

    python docs/make_figures.py

They go to `docs/images/en` and `docs/images/ko`. The plots beside them are pictures that the
examples (with WEFT_EXAMPLES_PICTURES=docs/images/en, and with WEFT_EXAMPLES_LANGUAGE=ko) and
`weft demo` make.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import pairwise
from pathlib import Path

IMAGES = Path(__file__).parent / "images"

BLUE, ORANGE, GREEN, RED, GREY = "#cfe0f3", "#fbe3c0", "#d7ecd2", "#f6d3d3", "#eeeeee"
INK, LINE = "#222222", "#555555"
FONT = "system-ui, 'Noto Sans KR', 'Apple SD Gothic Neo', 'Malgun Gothic', sans-serif"

# English or Korean, whichever a picture is drawn in.
Say = Callable[[str, str], str]


class Drawing:
    """Boxes, circles, arrows and words on a white sheet."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.parts: list[str] = []

    def words(
        self, x: float, y: float, text: str, size: int = 15, colour: str = INK
    ) -> None:
        """Text around (x, y); lines are parted by newlines."""
        lines = text.split("\n")
        top = y - (len(lines) - 1) * size * 0.62
        for number, line in enumerate(lines):
            self.parts.append(
                f'<text x="{x:g}" y="{top + number * size * 1.24:g}" font-size="{size}" '
                f'fill="{colour}">{escape(line)}</text>'
            )

    def box(
        self, x: float, y: float, w: float, h: float, text: str, fill: str = BLUE
    ) -> None:
        """A box whose middle is (x, y)."""
        self.parts.append(
            f'<rect x="{x - w / 2:g}" y="{y - h / 2:g}" width="{w:g}" height="{h:g}" '
            f'rx="7" fill="{fill}" stroke="{LINE}"/>'
        )
        self.words(x, y, text)

    def circle(
        self, x: float, y: float, r: float, text: str = "", fill: str = BLUE
    ) -> None:
        """A circle with a word inside."""
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}" stroke="{LINE}"/>'
        )
        if text:
            self.words(x, y, text)

    def arrow(
        self, *points: tuple[float, float], colour: str = LINE, head: bool = True
    ) -> None:
        """A line through points, with a head at its end."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        end = f' marker-end="url(#{colour[1:]})"' if head else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="1.6"{end}/>'
        )

    def svg(self) -> str:
        """The whole picture."""
        heads = "".join(
            f'<marker id="{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" '
            'markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0,0 L10,5 L0,10 z" fill="{colour}"/></marker>'
            for colour in (LINE, "#c81e2b")
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="{FONT}" text-anchor="middle" dominant-baseline="central">'
            f'<defs>{heads}</defs><rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def chapters(say: Say) -> Drawing:
    """The four things that a first chapter is about."""
    d = Drawing(760, 130)
    titles = [
        (say("Tensors,\neager mode", "텐서와\n즉시 실행 모드"), BLUE),
        (say("Gradient\ndescent", "경사 하강법"), ORANGE),
        (say("Back-\npropagation", "역전파"), RED),
        (say("Keras:\nfive steps", "케라스\n다섯 단계"), GREEN),
    ]
    for number, (title, fill) in enumerate(titles):
        x = 105 + number * 183
        d.box(x, 65, 140, 80, title, fill)
        if number:
            d.arrow((x - 112, 65), (x - 72, 65))
    return d


def learning_loop(say: Say, stage: int) -> Drawing:
    """Input to prediction; with the loss; with the optimizer."""
    d = Drawing(350 if stage == 1 else 520, (260, 330, 400)[stage - 1])
    d.box(220, 35, 150, 40, say("input X", "입력 X"), GREY)
    d.box(220, 105, 190, 46, say("layer\n(transforms data)", "층\n(데이터 변환)"))
    d.box(220, 170, 190, 46, say("layer\n(transforms data)", "층\n(데이터 변환)"))
    d.box(220, 235, 150, 40, say("prediction Y′", "예측 Y′"), GREY)
    for start, end in ((55, 82), (128, 147), (193, 215)):
        d.arrow((220, start), (220, end))
    d.box(60, 105, 90, 40, say("weights", "가중치"), GREEN)
    d.box(60, 170, 90, 40, say("weights", "가중치"), GREEN)
    d.arrow((105, 105), (125, 105))
    d.arrow((105, 170), (125, 170))
    if stage >= 2:
        d.box(430, 235, 140, 40, say("true target Y", "정답 Y"), GREY)
        d.box(320, 300, 170, 40, say("loss function", "손실 함수"), RED)
        d.arrow((220, 255), (220, 300), (235, 300))
        d.arrow((430, 255), (430, 300), (405, 300))
    if stage == 3:
        d.box(320, 365, 130, 40, say("loss score", "손실 점수"), RED)
        d.arrow((320, 320), (320, 345))
        d.box(120, 365, 130, 40, say("optimizer", "옵티마이저"), ORANGE)
        d.arrow((255, 365), (187, 365))
        d.arrow((120, 345), (120, 290), (60, 290), (60, 190))
        d.words(66, 318, say("update", "갱신"), 13)
    return d


def five_steps(say: Say) -> Drawing:
    """The way of working with Keras."""
    d = Drawing(940, 170)
    steps = [
        (
            say("1 data", "1 데이터"),
            say("train,\nvalidation, test", "훈련·검증·\n테스트"),
            GREY,
        ),
        (say("2 model", "2 모델"), "Sequential\nDense …", BLUE),
        ("3 compile", say("optimizer, loss,\nmetrics", "옵티마이저,\n손실, 지표"), ORANGE),
        ("4 fit", say("epochs,\nbatch_size", "epochs,\nbatch_size"), RED),
        ("5 evaluate\npredict", say("new samples", "새로운 샘플"), GREEN),
    ]
    for number, (title, below, fill) in enumerate(steps):
        x = 100 + number * 185
        d.box(x, 50, 140, 56, title, fill)
        d.words(x, 120, below, 14)
        if number:
            d.arrow((x - 113, 50), (x - 72, 50))
    return d


def perceptron(say: Say) -> Drawing:
    """Weighted inputs, a sum, a threshold."""
    d = Drawing(620, 210)
    for number in range(3):
        y = 40 + number * 62
        d.circle(60, y, 24, ("x₁", "x₂", "1")[number], GREY)
        d.arrow((84, y), (232, 100 + (number - 1) * 10))
        d.words(140, (44, 88, 126)[number], ("w₁", "w₂", "b")[number], 14)
    d.circle(265, 102, 32, "Σ", BLUE)
    d.box(400, 102, 110, 54, say("step or\nactivation", "계단 함수나\n활성화 함수"), ORANGE)
    d.circle(555, 102, 28, "y", GREEN)
    d.arrow((297, 102), (343, 102))
    d.arrow((455, 102), (525, 102))
    d.words(310, 185, "y = f(w₁·x₁ + w₂·x₂ + b)", 16)
    return d


def multilayer(say: Say) -> Drawing:
    """Two inputs, a hidden layer, one output, and the shapes."""
    d = Drawing(620, 300)
    columns = [(90, 2, GREY), (310, 4, BLUE), (530, 1, GREEN)]
    places = [[(x, 135 + (i - (n - 1) / 2) * 58) for i in range(n)] for x, n, _ in columns]
    for left, right in pairwise(places):
        for x1, y1 in left:
            for x2, y2 in right:
                d.arrow((x1 + 22, y1), (x2 - 22, y2), head=False)
    for column, (_, _, fill) in zip(places, columns):
        for x, y in column:
            d.circle(x, y, 22, "", fill)
    d.words(90, 262, say("input\n(m, 2)", "입력\n(m, 2)"))
    d.words(
        310, 272, say("hidden: relu(x·W₁ + b₁)\n(m, 4)", "은닉층: relu(x·W₁ + b₁)\n(m, 4)")
    )
    d.words(530, 262, say("output\n(m, 1)", "출력\n(m, 1)"))
    return d


def product(say: Say) -> Drawing:
    """Row by column."""
    d = Drawing(620, 230)
    cell = 24

    def sheet(
        x: float, y: float, rows: int, columns: int, fill: str, marked: Callable
    ) -> None:
        for i in range(rows):
            for j in range(columns):
                colour = fill if marked(i, j) else "white"
                d.parts.append(
                    f'<rect x="{x + j * cell:g}" y="{y + i * cell:g}" width="{cell}" '
                    f'height="{cell}" fill="{colour}" stroke="{LINE}"/>'
                )

    sheet(40, 60, 4, 3, ORANGE, lambda i, j: i == 1)
    sheet(240, 72, 3, 5, BLUE, lambda i, j: j == 3)
    sheet(470, 60, 4, 5, GREEN, lambda i, j: (i, j) == (1, 3))
    d.words(170, 108, "·", 30)
    d.words(415, 108, "=", 26)
    d.words(76, 185, "(m, n)")
    d.words(300, 185, "(n, k)")
    d.words(530, 185, "(m, k)")
    d.words(76, 30, say("row i", "i번째 행"), 14)
    d.words(300, 30, say("column j", "j번째 열"), 14)
    d.words(530, 30, say("number (i, j)", "(i, j) 원소"), 14)
    return d


def backpropagation(say: Say) -> Drawing:
    """Forward through the chain, backward with the slopes."""
    d = Drawing(860, 240)
    names = ["w", "w·x", "+ b", "relu", say("loss", "손실")]
    values = ["1.5", "3.0", "2.5", "2.5", "2.25"]
    slopes = ["· x = 3·2\n= 6", "· 1 = 3", "· 1 = 3", "2·(2.5 - 1)\n= 3"]
    for number, (name, value) in enumerate(zip(names, values)):
        x = 80 + number * 175
        fill = (GREEN, BLUE, BLUE, BLUE, RED)[number]
        d.box(x, 120, 84, 46, name, fill)
        d.words(x, 158, value, 14, "#1f5fa8")
        if number:
            d.arrow((x - 132, 112), (x - 44, 112))
            d.arrow((x - 44, 129), (x - 132, 129), colour="#c81e2b")
            d.words(x - 87, 200, slopes[number - 1], 13, "#c81e2b")
    d.words(
        430, 35, say("forward pass: values  →", "순방향 패스: 값을 계산  →"), 16, "#1f5fa8"
    )
    d.words(
        430,
        66,
        say("←  backward pass: slopes", "←  역방향 패스: 기울기를 곱함"),
        16,
        "#c81e2b",
    )
    return d


def data_kinds(say: Say) -> Drawing:
    """What the axes of the four kinds of data are."""
    d = Drawing(900, 250)
    vectors = say("samples, features", "샘플, 특성")
    series = say("samples, steps, features", "샘플, 타임스텝, 특성")
    images = say("samples, height, width, channels", "샘플, 높이, 너비, 채널")
    videos = say(
        "samples, frames, height, width, channels", "샘플, 프레임, 높이, 너비, 채널"
    )
    rows = [
        ("2", say("vectors", "벡터 데이터"), vectors),
        ("3", say("time series", "시계열"), series),
        ("4", say("images", "이미지"), images),
        ("5", say("videos", "동영상"), videos),
    ]
    for number, (rank, kind, axes) in enumerate(rows):
        y = 40 + number * 57
        d.circle(40, y, 20, rank, ORANGE)
        d.words(140, y, kind)
        for place, axis in enumerate(axes.split(", ")):
            d.box(280 + place * 130, y, 118, 40, axis, GREEN if place == 0 else BLUE)
    return d


FIGURES: dict[str, Callable[[Say], Drawing]] = {
    "chapters": chapters,
    "loop-1": lambda say: learning_loop(say, 1),
    "loop-2": lambda say: learning_loop(say, 2),
    "loop-3": lambda say: learning_loop(say, 3),
    "five-steps": five_steps,
    "perceptron": perceptron,
    "multilayer": multilayer,
    "product": product,
    "backpropagation": backpropagation,
    "data-kinds": data_kinds,
}
LANGUAGES: dict[str, Say] = {"en": lambda en, ko: en, "ko": lambda en, ko: ko}


def main() -> None:
    """Draw everything."""
    for language, say in LANGUAGES.items():
        folder = IMAGES / language
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in FIGURES.items():
            (folder / f"{name}.svg").write_text(figure(say).svg(), encoding="utf-8")
    print(f"{len(FIGURES)} figures in {IMAGES}/en and /ko")


if __name__ == "__main__":
    main()
