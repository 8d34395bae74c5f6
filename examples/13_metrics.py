# %% [markdown]
# # Evaluating with the right metric
#
# One sample in twenty is ill. A model that says "healthy" to everybody is right in 95 % of
# all cases, and useless. Accuracy doesn't show it; precision and recall do.

# %%
import matplotlib.pyplot as plt
import numpy as np
from lesson import print, quick, save, say

from weft import keras

keras.utils.set_random_seed(5)
random = np.random.default_rng(5)


def people(count):
    ill = (random.random(count) < 0.05).astype("int32")
    values = random.normal(0, 1, (count, 4)) + 1.3 * ill[:, None]
    return values.astype("float32"), ill


(train_x, train_y), (test_x, test_y) = people(6000), people(3000)
model = keras.Sequential(
    [
        keras.Input((4,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    "adam",
    "binary_crossentropy",
    metrics=[
        "accuracy",
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.AUC(name="auc"),
    ],
)
model.fit(train_x, train_y, epochs=quick(15, 2), verbose=0)
results = model.evaluate(test_x, test_y, verbose=0, return_dict=True)
print({name: round(float(value), 3) for name, value in results.items()})
print("accuracy of saying 'healthy' always:", round(1 - test_y.mean(), 3))

# %% [markdown]
# ## The confusion matrix
#
# Rows are what was true, columns what was said. All other numbers come from these four.

# %%
scores = model.predict(test_x, verbose=0).ravel()
said = (scores > 0.5).astype(int)
confusion = np.zeros((2, 2), int)
np.add.at(confusion, (test_y, said), 1)
(true_negative, false_positive), (false_negative, true_positive) = confusion
print(confusion)

precision = true_positive / max(true_positive + false_positive, 1)
recall = true_positive / max(true_positive + false_negative, 1)
f1 = 2 * precision * recall / max(precision + recall, 1e-9)
print(f"precision {precision:.3f}: of those called ill, so many are")
print(f"recall    {recall:.3f}: of the ill, so many are found")
print(f"F1        {f1:.3f}: the harmonic mean of both")
metric = keras.metrics.F1Score(threshold=0.5)
metric.update_state(test_y[:, None].astype("float32"), scores[:, None])
print("F1 by Keras:", round(float(metric.result()[0]), 3))

# %% [markdown]
# ## The threshold is a choice
#
# Lower it: more of the ill are found, more of the healthy are frightened. The ROC curve
# goes through all thresholds; the area under it is the chance that an ill person gets a
# higher score than a healthy one.

# %%
thresholds = np.sort(np.unique(np.concatenate([[0.0, 1.0], scores])))[::-1]
ill, healthy = scores[test_y == 1], scores[test_y == 0]
true_rate = np.array([(ill >= t).mean() for t in thresholds])
false_rate = np.array([(healthy >= t).mean() for t in thresholds])
area = np.trapezoid(true_rate, false_rate)
pairs = (ill[:, None] > healthy[None]).mean()
print(
    f"area under the curve {area:.3f}, as a chance {pairs:.3f}, Keras {results['auc']:.3f}"
)
for threshold in (0.5, 0.2, 0.05):
    called = scores >= threshold
    found = (called & (test_y == 1)).sum()
    print(
        f"threshold {threshold:<4}  recall {found / (test_y == 1).sum():.2f}"
        f"  precision {found / max(called.sum(), 1):.2f}"
    )

# %% [markdown]
# ## Class weights
#
# With a weight the few ill count as much as the many healthy. The curve hardly moves; the
# model only chooses another place on it.

# %%
weighted = keras.models.clone_model(model)
weighted.compile("adam", "binary_crossentropy", metrics=["accuracy"])
weight = {0: 1.0, 1: float((train_y == 0).sum() / (train_y == 1).sum())}
weighted.fit(train_x, train_y, epochs=quick(15, 2), class_weight=weight, verbose=0)
called = weighted.predict(test_x, verbose=0).ravel() > 0.5
print(f"with class weights: recall {called[test_y == 1].mean():.2f}, "
      f"precision {(test_y[called] == 1).mean():.2f}")  # fmt: skip

# %%
figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
axes[0].imshow(np.log1p(confusion), cmap="Blues")
for (row, column), number in np.ndenumerate(confusion):
    dark = number > confusion.max() / 3
    axes[0].text(column, row, number, ha="center", va="center", color="w" if dark else "k")
names = [say("healthy"), say("ill")]
axes[0].set(xticks=[0, 1], xticklabels=names, yticks=[0, 1], yticklabels=names)
axes[0].set(xlabel="said", ylabel="true", title="confusion matrix")
axes[1].plot(false_rate, true_rate, color="#1f5fa8")
axes[1].plot([0, 1], [0, 1], "--", color="#bbbbbb")
axes[1].set(xlabel="false alarms", ylabel="found (recall)", title=f"ROC, area {area:.3f}")
bins = np.linspace(0, 1, 31)
axes[2].hist(healthy, bins, color="#1f5fa8", alpha=0.6, label="healthy", log=True)
axes[2].hist(ill, bins, color="#e07b00", alpha=0.7, label="ill", log=True)
axes[2].set(xlabel="score", title="scores")
axes[2].legend(frameon=False)
save(figure, "13_metrics")
