# ruff: noqa: E402
"""Books of Keras 2's time, as they were printed: its imports, names, arguments and files."""

import os
import warnings

import numpy as np
from facts import close, done, fact, printed, same

warnings.filterwarnings("ignore", message=".*older Keras|.*input_shape")

import keras.backend as K
from keras import Model, layers, models, optimizers
from keras.callbacks import EarlyStopping, LambdaCallback, ModelCheckpoint
from keras.layers import Input
from keras.layers.core import Activation, Dense, Dropout
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential, load_model, model_from_json
from keras.utils import np_utils
from keras.utils.np_utils import to_categorical

generator = np.random.RandomState(7)
X = np.abs(generator.normal(size=(240, 8))).round(1)
Y = (X[:, 1] + X[:, 5] > 1.5).astype(int)
np.savetxt("patients.csv", np.c_[X, Y], delimiter=",", fmt="%.1f")
dataset = np.loadtxt("patients.csv", delimiter=",")
X, Y = dataset[:, 0:8], dataset[:, 8]
close(to_categorical(Y[:2]), np_utils.to_categorical(Y[:2]))


def build():
    model = Sequential()
    model.add(Dense(12, input_dim=8, init="uniform", activation="relu"))
    model.add(BatchNormalization())
    model.add(Dropout(p=0.1))
    model.add(Dense(1))
    model.add(Activation("sigmoid"))
    model.compile(optimizers.RMSprop(lr=0.01), "binary_crossentropy", metrics=["acc"])
    return model


# The best epochs go into files that are named after them; training ends early.
model = build()
os.makedirs("model", exist_ok=True)
callbacks = [
    ModelCheckpoint(
        filepath="model/{epoch:02d}-{val_loss:.4f}.hdf5", monitor="val_loss", verbose=1,
        save_best_only=True,
    ),
    EarlyStopping(monitor="val_loss", patience=3),
]  # fmt: skip
with printed() as told:
    history = model.fit(
        X, Y, validation_split=0.33, nb_epoch=12, batch_size=20, verbose=0,
        callbacks=callbacks,
    )  # fmt: skip
same(sorted(history.history), ["acc", "loss", "val_acc", "val_loss"])
course = history.history["val_loss"]
best = int(np.argmin(course))
names = sorted(os.listdir("model"))
same(names[-1], f"{best + 1:02d}-{course[best]:.4f}.hdf5")
fact(f"saving model to model/{names[-1]}" in told[0], "the callback says so")
same(len(names), sum(now < min([9e9, *course[:n]]) for n, now in enumerate(course)))
restored = load_model(f"model/{names[-1]}")
close(restored.evaluate(X[161:], Y[161:], verbose=0)[0], course[best], 0.05)

# Structure and weights in two files.
copy = model_from_json(model.to_json())
model.save_weights("weights.h5")
copy.load_weights("weights.h5")
close(copy.predict(X), model.predict(X))
same(model.predict_classes(X[:5]).shape, (5, 1))
K.set_value(model.optimizer.lr, 0.005)
close(K.get_value(model.optimizer.lr), 0.005)


# A generator without end; what runs after each epoch.
def batches():
    while True:
        for start in range(0, 240, 40):
            yield X[start : start + 40], Y[start : start + 40]


seen = []
course = model.fit_generator(
    batches(), steps_per_epoch=6, epochs=2, validation_data=(X, Y), verbose=0,
    callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)))],
)  # fmt: skip
same(seen, [sorted(course.history)] * 2)
same(model.evaluate_generator(batches(), steps=6), model.evaluate(X, Y, batch_size=40))
same(model.predict_generator(batches(), steps=3).shape, (120, 1))

# Keras 1: inputs and outputs in the singular.
first = Input(shape=(8,))
functional = Model(input=first, output=model(first))
close(functional.predict(X[:4]), model.predict(X[:4]))


# Functions of one's own, in a file of the older format.
def swell(x):
    return K.log(K.exp(x) + 1.0)


def spread(shape, dtype=None):
    return K.random_normal(shape, stddev=0.1)


def small(weights):
    return 0.01 * K.sum(K.abs(weights))


def absolute(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred), axis=-1)


own = models.Sequential(
    [
        layers.Dense(
            6, activation=swell, kernel_initializer=spread, kernel_regularizer=small,
            input_shape=(8,),
        ),
        layers.Dense(1),
    ]
)  # fmt: skip
own.compile("adam", absolute, metrics=[absolute])
own.fit(X, X[:, 0], epochs=2, verbose=0)
own.save("own.h5")
known = {one.__name__: one for one in (swell, spread, small, absolute)}
again = load_model("own.h5", custom_objects=known)
close(again.predict(X), own.predict(X))
same(
    again.fit(X, X[:, 0], shuffle=False, verbose=0).history,
    own.fit(X, X[:, 0], shuffle=False, verbose=0).history,
)


# A network as an estimator of scikit-learn.
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold, cross_val_score


def classes(units=4):
    network = Sequential([Dense(units, activation="relu"), Dense(3, activation="softmax")])
    network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return network


thirds = np.arange(240) % 3
estimator = KerasClassifier(build_fn=classes, epochs=1, batch_size=40, verbose=0)
folds = StratifiedKFold(n_splits=3, shuffle=True, random_state=0)
same(cross_val_score(estimator, X, thirds, cv=folds).shape, (3,))
search = RandomizedSearchCV(estimator, {"units": [3, 5], "epochs": [1, 2]}, n_iter=2, cv=2)
search.fit(X, to_categorical(thirds))
same(sorted(search.best_params_), ["epochs", "units"])
done()
