"""Sequential, functional and subclassed models, and how they mix."""

import numpy as np
import tensorflow as tf
from facts import close, done, fact, printed, raises, same
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(0)

# A Sequential model has no weights until it has seen a shape.
model = keras.Sequential()
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(10, activation="softmax"))
raises(ValueError, lambda: model.weights) if not hasattr(model, "weights") else same(
    len(model.weights), 0
)
model.build(input_shape=(None, 3))
same(len(model.weights), 4)
model = keras.Sequential(name="my_example_model")
model.add(layers.Dense(64, activation="relu", name="my_first_layer"))
model.add(layers.Dense(10, activation="softmax", name="my_last_layer"))
model.build((None, 3))
with printed() as texts:
    model.summary()
for part in (
    'Model: "my_example_model"',
    "my_first_layer (Dense)",
    "(None, 64)",
    "Total params: 906 (3.54 KB)",
    "Trainable params: 906 (3.54 KB)",
    "Non-trainable params: 0 (0.00 B)",
):
    fact(part in texts[0], f"{part} in {texts[0]}")

# The functional way.
inputs = keras.Input(shape=(3,), name="my_input")
same(tuple(inputs.shape), (None, 3))
fact("float32" in str(inputs.dtype), "dtype of an input")
features = layers.Dense(64, activation="relu")(inputs)
same(tuple(features.shape), (None, 64))
outputs = layers.Dense(10, activation="softmax")(features)
model = keras.Model(inputs=inputs, outputs=outputs, name="by_hand")
same([layer.name for layer in model.layers][0], "my_input")
same(model.count_params(), 906)

# Many inputs, many outputs: tickets to be sorted.
vocabulary_size, num_tags, num_departments = 100, 10, 4
title = keras.Input(shape=(vocabulary_size,), name="title")
text_body = keras.Input(shape=(vocabulary_size,), name="text_body")
tags = keras.Input(shape=(num_tags,), name="tags")
features = layers.Concatenate()([title, text_body, tags])
features = layers.Dense(64, activation="relu")(features)
priority = layers.Dense(1, activation="sigmoid", name="priority")(features)
department = layers.Dense(num_departments, activation="softmax", name="department")(
    features
)
model = keras.Model(inputs=[title, text_body, tags], outputs=[priority, department])

num_samples = 320
title_data = np.random.randint(0, 2, size=(num_samples, vocabulary_size))
text_body_data = np.random.randint(0, 2, size=(num_samples, vocabulary_size))
tags_data = np.random.randint(0, 2, size=(num_samples, num_tags))
priority_data = np.random.random(size=(num_samples, 1))
department_data = np.random.randint(0, 2, size=(num_samples, num_departments))
model.compile(
    optimizer="rmsprop",
    loss=["mean_squared_error", "categorical_crossentropy"],
    metrics=[["mean_absolute_error"], ["accuracy"]],
)
history = model.fit(
    [title_data, text_body_data, tags_data],
    [priority_data, department_data],
    epochs=1,
    verbose=0,
)
expected = {
    "loss",
    "priority_loss",
    "department_loss",
    "priority_mean_absolute_error",
    "department_accuracy",
}
same(set(history.history), expected)
scores = model.evaluate(
    [title_data, text_body_data, tags_data], [priority_data, department_data], verbose=0
)
same(len(scores), 5)
priority_preds, department_preds = model.predict(
    [title_data, text_body_data, tags_data], verbose=0
)
same((priority_preds.shape, department_preds.shape), ((320, 1), (320, 4)))

# The same with names instead of positions.
model.compile(
    optimizer="rmsprop",
    loss={"priority": "mean_squared_error", "department": "categorical_crossentropy"},
    metrics={"priority": ["mean_absolute_error"], "department": ["accuracy"]},
    loss_weights={"priority": 2.0, "department": 0.5},
)
history = model.fit(
    {"title": title_data, "text_body": text_body_data, "tags": tags_data},
    {"priority": priority_data, "department": department_data},
    epochs=1,
    verbose=0,
).history
same(set(history), expected)
close(
    history["loss"][0],
    2 * history["priority_loss"][0] + 0.5 * history["department_loss"][0],
    1e-2,
)

# A graph of layers can be read and continued.
same(type(model.layers[3]).__name__, "Concatenate")
same(len(model.layers[3].input), 3)
same(tuple(model.layers[3].output.shape), (None, 210))
features = model.layers[4].output
difficulty = layers.Dense(3, activation="softmax", name="difficulty")(features)
new_model = keras.Model(
    inputs=[title, text_body, tags], outputs=[priority, department, difficulty]
)
same(len(new_model.predict([title_data, text_body_data, tags_data], verbose=0)), 3)
fact(new_model.layers[4] is model.layers[4], "layers are shared")


# Subclassing.
class CustomerTicketModel(keras.Model):
    def __init__(self, num_departments):
        super().__init__()
        self.concat_layer = layers.Concatenate()
        self.mixing_layer = layers.Dense(64, activation="relu")
        self.priority_scorer = layers.Dense(1, activation="sigmoid")
        self.department_classifier = layers.Dense(num_departments, activation="softmax")

    def call(self, inputs):
        title = inputs["title"]
        text_body = inputs["text_body"]
        tags = inputs["tags"]
        features = self.concat_layer([title, text_body, tags])
        features = self.mixing_layer(features)
        priority = self.priority_scorer(features)
        department = self.department_classifier(features)
        return priority, department


model = CustomerTicketModel(num_departments=4)
priority, department = model(
    {"title": title_data, "text_body": text_body_data, "tags": tags_data}
)
same(tuple(department.shape), (320, 4))
model.compile(
    optimizer="rmsprop",
    loss=["mean_squared_error", "categorical_crossentropy"],
    metrics=[["mean_absolute_error"], ["accuracy"]],
)
model.fit(
    {"title": title_data, "text_body": text_body_data, "tags": tags_data},
    [priority_data, department_data],
    epochs=1,
    verbose=0,
)
same(len(model.weights), 6)


# A subclassed part in a functional model, and the reverse.
class Classifier(keras.Model):
    def __init__(self, num_classes=2):
        super().__init__()
        if num_classes == 2:
            num_units = 1
            activation = "sigmoid"
        else:
            num_units = num_classes
            activation = "softmax"
        self.dense = layers.Dense(num_units, activation=activation)

    def call(self, inputs):
        return self.dense(inputs)


inputs = keras.Input(shape=(3,))
features = layers.Dense(64, activation="relu")(inputs)
outputs = Classifier(num_classes=10)(features)
model = keras.Model(inputs=inputs, outputs=outputs)
same(tuple(model(np.zeros((2, 3), "float32")).shape), (2, 10))

inner_inputs = keras.Input(shape=(64,))
inner_model = keras.Model(
    inputs=inner_inputs, outputs=layers.Dense(1, activation="sigmoid")(inner_inputs)
)


class MyModel(keras.Model):
    def __init__(self, num_classes=2):
        super().__init__()
        self.dense = layers.Dense(64, activation="relu")
        self.classifier = inner_model

    def call(self, inputs):
        features = self.dense(inputs)
        return self.classifier(features)


model = MyModel()
same(tuple(model(tf.zeros((5, 3))).shape), (5, 1))
same(len(model.trainable_weights), 4)


# A layer of one's own.
class SimpleDense(keras.layers.Layer):
    def __init__(self, units, activation=None):
        super().__init__()
        self.units = units
        self.activation = activation

    def build(self, input_shape):
        input_dim = input_shape[-1]
        self.W = self.add_weight(shape=(input_dim, self.units), initializer="random_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs):
        y = tf.matmul(inputs, self.W) + self.b
        if self.activation is not None:
            y = self.activation(y)
        return y


my_dense = SimpleDense(units=32, activation=tf.nn.relu)
input_tensor = tf.ones(shape=(2, 784))
output_tensor = my_dense(input_tensor)
print(output_tensor.shape)
same(tuple(output_tensor.shape), (2, 32))
model = keras.Sequential([SimpleDense(32, tf.nn.relu), SimpleDense(10, tf.nn.softmax)])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.random.random((64, 784)).astype("float32"), np.random.randint(0, 10, 64)
course = model.fit(x, y, epochs=30, verbose=0).history["loss"]
fact(course[-1] < course[0], f"{course}")

# Frozen layers, weights out and in.
before = model.get_weights()
same([w.shape for w in before], [(784, 32), (32,), (32, 10), (10,)])
model.layers[0].trainable = False
model.compile("sgd", "sparse_categorical_crossentropy")
same(len(model.trainable_weights), 2)
model.fit(x, y, verbose=0)
close(model.get_weights()[0], before[0], 0)
fact(not np.array_equal(model.get_weights()[2], before[2]), "the head is trained")
model.set_weights(before)
close(model.get_weights()[2], before[2], 0)
raises(ValueError, lambda: model.set_weights(before[:2]))
done()
