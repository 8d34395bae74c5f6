"""The words of the examples in Korean, for their pictures and what they print.

The scripts are written once, in English. With WEFT_EXAMPLES_LANGUAGE=ko `lesson` says
these words instead; what is not listed stays as it is.
"""

from __future__ import annotations

import re
import unicodedata

WORDS = {
    # 01_tensors
    "rank": "랭크",
    "shape": "크기",
    "scalar": "스칼라",
    "vector": "벡터",
    "matrix": "행렬",
    "series": "시계열",
    "images": "이미지",
    "videos": "동영상",
    "3-D tensor": "3D 텐서",
    "5-D vector": "5D 벡터",
    "5-D tensor": "5D 텐서",
    "NumPy's functions take tensors": "넘파이 함수에 텐서를 넣을 수 있습니다",
    "ten to ninety-nine": "10번부터 99번까지",
    "lower right quarter": "오른쪽 아래 4분의 1",
    "the middle": "가운데",
    "vectors (samples, features)": "벡터 데이터 (샘플, 특성)",
    "time series (samples, steps, features)": "시계열 (샘플, 타임스텝, 특성)",
    "images (samples, height, width, channels)": "이미지 (샘플, 높이, 너비, 채널)",
    "videos (samples, frames, height, width, channels)":
        "동영상 (샘플, 프레임, 높이, 너비, 채널)",
    # 02_operations
    "loops": "반복문",
    "NumPy": "넘파이",
    "same numbers": "값이 같음",
    "equal": "같음",
    # 03_shapes_and_geometry
    "a batch of pictures as rows": "이미지 배치를 행으로 펴면",
    "two affine maps are one": "아핀 변환 두 번은 한 번과 같음",
    "translation": "이동",
    "rotation": "회전",
    "scaling": "스케일링",
    "affine": "아핀 변환",
    "affine, then relu": "아핀 변환과 relu",
    "as given": "원래 데이터",
    "after two layers": "두 층을 지난 뒤",
    # 04_gates
    "wanted": "정답",
    "accuracy of one unit": "유닛 하나의 정확도",
    "parameters": "파라미터 수",
    "loss, accuracy": "손실, 정확도",
    "two layers": "두 층",
    # 05_activations
    "three linear layers are one": "선형 층 세 개는 하나와 같음",
    "learns its slope": "기울기를 학습",
    "sums": "합",
    "value": "함숫값",
    "slope": "기울기",
    "slope of the step function": "계단 함수의 기울기",
    # 06_gradient_descent
    "too small": "너무 작음",
    "good": "적당함",
    "zigzag": "지그재그",
    "too large": "너무 큼",
    "rate": "학습률",
    "ends at x =": "도착한 x =",
    "from the left": "왼쪽에서 출발",
    "from the right": "오른쪽에서 출발",
    "momentum": "모멘텀",
    "equal to keras.optimizers.SGD": "keras.optimizers.SGD와 같음",
    "loss after 40 steps": "40스텝 뒤의 손실",
    "mini-batch": "미니 배치",
    "one sample": "샘플 하나",
    "updates: y =": "번 갱신: y =",
    # 07_backpropagation
    "forward ": "순방향 ",
    "backward": "역방향",
    "error": "오차",
    "total": "합",
    "tape": "테이프",
    "factors": "인수",
    "product": "곱",
    "hand and tape agree": "손 계산과 테이프가 같음",
    "finite difference": "유한 차분",
    "x³ at 2: first": "2에서 x³의 일계도함수",
    "second": "이계도함수",
    "first layer": "첫 번째 층",
    "last layer": "마지막 층",
    "layer": "층",
    "mean size of the gradient": "그레이디언트의 평균 크기",
    # 08_first_network_by_hand, 09_first_network_keras
    "drawn digits": "weft가 그린 숫자",
    "epoch": "에포크",
    "loss": "손실",
    "steps": "스텝",
    "test accuracy": "테스트 정확도",
    "test loss": "테스트 손실",
    "labels": "레이블",
    "one-hot": "원-핫",
    "updates": "갱신 횟수",
    "first digit": "첫 번째 숫자",
    "sum": "합",
    "the same": "같음",
    "512 relu units": "relu 유닛 512개",
    # 10_over_and_underfitting
    "about right": "알맞음",
    "stopped early": "조기 종료",
    "training loss": "훈련 손실",
    "validation loss": "검증 손실",
    "training": "훈련",
    "validation": "검증",
    "many samples": "많은 샘플",
    "noise alone: about": "잡음만으로 약",
    # 11_classification
    "two classes": "클래스 두 개",
    "three classes": "클래스 세 개",
    "probability of class 1": "클래스 1일 확률",
    "one row of probabilities": "확률 한 행",
    "two classes: probability": "클래스 두 개: 확률",
    "three classes: the largest": "클래스 세 개: 확률이 가장 큰 클래스",
    # 12_regression
    "means before": "평균: 정규화 전",
    "after": "후",
    "features": "특성",
    "as they are": "그대로",
    "normalised": "정규화",
    "mean absolute error": "평균 절대 오차",
    "mean": "평균",
    "line": "직선",
    "network": "신경망",
    "R² of the network": "신경망의 R²",
    "predicted beside true": "예측과 정답",
    "price": "가격",
    "predicted": "예측",
    "errors": "오차의 분포",
    # 13_metrics
    "accuracy of saying 'healthy' always": "항상 정상이라고 답할 때의 정확도",
    "accuracy": "정확도",
    "precision": "정밀도",
    "recall": "재현율",
    "of those called ill, so many are": "환자라고 한 사람 가운데 진짜 환자의 비율",
    "of the ill, so many are found": "진짜 환자 가운데 찾아낸 비율",
    "the harmonic mean of both": "둘의 조화 평균",
    "F1 by Keras": "케라스의 F1",
    "area under the curve": "곡선 아래 넓이",
    "as a chance": "확률로 구하면",
    "Keras": "케라스",
    "threshold": "임곗값",
    "with class weights": "클래스 가중치를 주면",
    "confusion matrix": "오차 행렬",
    "healthy": "정상",
    "ill": "환자",
    "said": "예측",
    "true": "실제",
    "false alarms": "거짓 양성 비율",
    "found (recall)": "찾아낸 비율(재현율)",
    "area": "넓이",
    "scores": "점수 분포",
    "score": "점수",
    # 14_working_with_data
    "batch": "배치",
    "samples": "샘플 수",
    "share of each class": "클래스별 비율",
    "as it is": "그대로",
    "under-sampled": "언더샘플링",
    "over-sampled": "오버샘플링",
    "class weights": "클래스 가중치",
    "samples, recall of the classes": "개, 클래스별 재현율",
    "folds": "폴드",
    "middle units": "개의 가운데 유닛",
}  # fmt: skip

# Longer phrases first: "mean absolute error" before "mean". No parts of other words.
_PHRASES = "|".join(re.escape(text) for text in sorted(WORDS, key=len, reverse=True))
_PATTERN = re.compile(rf"(?<![\w.])({_PHRASES})(?![\w=])( *)")


def korean(text: str) -> str:
    """The text with its known phrases in Korean; columns keep their width.

    >>> korean("training loss 0.25")
    '훈련 손실 0.25'
    """
    return _PATTERN.sub(_replaced, text)


def _replaced(match: re.Match) -> str:
    said, gap = WORDS[match[1]], match[2]
    if len(gap) > 1:
        # A column of a table. A Korean letter is as wide as two others.
        width = sum(2 if unicodedata.east_asian_width(x) == "W" else 1 for x in said)
        gap = " " * max(1, len(match[0]) - width)
    return said + gap
