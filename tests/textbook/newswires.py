"""Many classes: one-hot and integer labels, a bottleneck, the shape of predictions."""

import numpy as np
from facts import close, done, fact, same
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.utils import to_categorical

keras.utils.set_random_seed(0)
generator = np.random.default_rng(1)
classes, words = 46, 500
centres = generator.normal(size=(classes, words)) > 1.2


def draw_wires(count):
    labels = generator.integers(0, classes, count)
    noise = generator.random((count, words)) < 0.05
    return (centres[labels] ^ noise).astype("float32"), labels


def to_one_hot(labels, dimension=classes):
    results = np.zeros((len(labels), dimension))
    for i, label in enumerate(labels):
        results[i, label] = 1.0
    return results


x_train, train_labels = draw_wires(1500)
x_test, test_labels = draw_wires(300)
one_hot = to_categorical(train_labels)
same(one_hot.shape, (1500, classes))
close(one_hot, to_one_hot(train_labels))


def build(width=64):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            layers.Dense(64, activation="relu"),
            layers.Dense(width, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def train(model, loss, labels, metrics):
    model.compile(optimizer="rmsprop", loss=loss, metrics=metrics)
    return model.fit(
        x_train[200:],
        labels[200:],
        epochs=9,
        batch_size=64,
        validation_data=(x_train[:200], labels[:200]),
        verbose=0,
    ).history


model = build()
course = train(
    model,
    "categorical_crossentropy",
    one_hot,
    ["accuracy", keras.metrics.TopKCategoricalAccuracy(k=3, name="top_3_accuracy")],
)
same(
    sorted(course),
    [
        "accuracy",
        "loss",
        "top_3_accuracy",
        "val_accuracy",
        "val_loss",
        "val_top_3_accuracy",
    ],
)
fact(course["val_accuracy"][-1] > 0.8, f"{course['val_accuracy']}")
fact(course["val_top_3_accuracy"][-1] >= course["val_accuracy"][-1], "top three of 46")

predictions = model.predict(x_test, verbose=0)
same(predictions[0].shape, (classes,))
close(np.sum(predictions[0]), 1.0)
share = np.mean(np.argmax(predictions, axis=1) == test_labels)
loss, accuracy, _ = model.evaluate(x_test, to_categorical(test_labels, classes), verbose=0)
close(accuracy, share, 1e-6)

# Integer labels: the same numbers with the sparse loss.
sparse = train(build(), "sparse_categorical_crossentropy", train_labels, ["accuracy"])
close(sparse["loss"], course["loss"], 1e-3)
close(sparse["val_accuracy"], course["val_accuracy"], 0.02)

# Four units are too few for 46 classes.
narrow = train(build(4), "sparse_categorical_crossentropy", train_labels, ["accuracy"])
fact(narrow["val_accuracy"][-1] < sparse["val_accuracy"][-1], "a bottleneck loses")

# Against chance.
shuffled = np.array(test_labels)
np.random.default_rng(0).shuffle(shuffled)
fact((shuffled == test_labels).mean() < 0.2, "chance")
done()
