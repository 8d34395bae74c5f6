"""Programs with control flow, and the arguments to try them with."""

# The programs here are written as people write them.
# ruff: noqa: B007, C417, C419, F841, F842, PIE804, SIM223

from __future__ import annotations

import weft
from weft import ops


def tensor(value, dtype=None):
    return ops.convert_to_tensor(value, dtype)


# -- if ----------------------------------------------------------------------------------


def if_else(x):
    if x > 0:
        x = x * x
    else:
        x = x * -1
    return x


def if_without_else(x):
    y = x
    if x > 2:
        y = y * 3
    return y


def elif_chain(x):
    if x > 1:
        y = x + 1
    elif x == 1:
        y = x * 10
    elif x == 0:
        y = x
    else:
        y = x - 1
    return y


def nested_if(x):
    y = x
    if x > 0:
        if x > 2:
            y = x * 2
        else:
            z = x + 5
            y = z * z
    else:
        if x < -1:
            y = -x
    return y


def python_number_meets_tensor(x):
    y = 0
    if x > 1:
        y = x * 2
    return y


def two_python_numbers(x):
    k = 3
    if x > 0:
        k = 5
    return k + x


def python_condition_inside(x):
    flag = True
    if x > 0:
        if flag:
            x = x + 1
        flag = True
    if flag:
        x = x * 2
    return x


def structures(x):
    pair = (x, {"a": x})
    if x > 0:
        pair = (x + 1, {"a": x * 2})
    else:
        pair = (x - 1, {"a": x * 3})
    return pair[0] + pair[1]["a"]


def several_names(x):
    a = b = c = x
    if x > 0:
        a, b = b + 1, a + 2
        (c, *rest) = [a * b, a, b]
        c = c + rest[1]
    return a, b, c


def scratch_names_stay_inside(x):
    if x > 0:
        t = x * 2
        u = [t, t]
        x = u[0] + t
    else:
        t = "a text"
        x = x + len(t)
    return x


def falsy_number(x):
    if x:
        return x + 1
    return x - 1


# -- returns -----------------------------------------------------------------------------


def early_return(x):
    if x > 0:
        return x * x
    return -x


def returns_in_all_arms(x):
    if x > 1:
        if x > 2:
            return x * 4
        return x * 3
    elif x > 0:
        return x * 2
    else:
        y = x - 1
    return y


def may_return(x):
    if x > 0:
        if x > 2:
            return x * 100
        x = x + 1
    x = x * 2
    if x < -3:
        return x
    return x + 0.5


def return_in_for(x):
    for i in range(ops.cast(x, "int32") + 3):
        if i * i > 4:
            return x + ops.cast(i, x.dtype)
    return x * 0


def return_in_nested_loops(x):
    n = ops.cast(ops.abs(x), "int32") + 1
    for i in range(n):
        for j in range(n):
            if i * j >= 2:
                return i * 10 + j
    return n * 0 - 1


def return_number_in_while(n):
    k = n
    while k > 0:
        if k % 3 == 0:
            return 3
        k = k - 1
    return 7


def return_structures(x):
    if x > 0:
        return {"value": x, "sign": 1}
    return {"value": -x, "sign": -1}


def no_return_value(x):
    if x > 0:
        y = x
    return


# -- while -------------------------------------------------------------------------------


def while_sum(n):
    i = tensor(0)
    total = tensor(0)
    while i < n:
        if i % 2 == 0:
            total += i
        i += 1
    return total


def while_from_numbers(n):
    i, total = 0, 0
    while i < n:
        total = total + i * i
        i += 1
    return total


def collatz(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def while_true(n):
    i = 0
    while True:
        i += 1
        if i >= n:
            break
    return i


def while_break_continue(n):
    i = total = 0
    while i < n:
        i += 1
        if i % 3 == 0:
            continue
        if total > 20:
            break
        total += i
    return total, i


def while_else(n):
    i = 0
    while i < n:
        if i == 4:
            break
        i += 1
    else:
        i = i + 100
    return i


def while_walrus(n):
    total = 0
    while (n := n - 1) > 0:
        total += n
    return total, n


def nested_while(n):
    total = 0
    i = 0
    while i < n:
        j = 0
        while j < i:
            total += i * j
            j += 1
        i += 1
    return total


def becomes_float(n):
    total = 0
    i = 0
    while i < n:
        total = total + 0.5
        i += 1
    return total + 0.0


def carried_structure(n):
    state = {"a": tensor(1.0), "b": (tensor(2.0), 3.0)}
    i = 0
    while i < n:
        state = {"a": state["b"][0], "b": (state["a"] + state["b"][1], state["b"][1] * 2)}
        i += 1
    return state["a"], state["b"]


def number_that_no_step_changes(n):
    size, grows = 3, False
    i = 0
    while i < n:
        if grows:
            size = size + 1
        i += 1
    return [i] * size


# -- for ---------------------------------------------------------------------------------


def for_range(n):
    total = tensor(0)
    for k in range(n):
        if k == 2:
            continue
        if k > 6:
            break
        total += k
    return total


def for_range_with_steps(n):
    total = 0
    for k in range(n, 0, -2):
        total = total * 3 + k
    for k in range(1, n):
        total = total + k
    return total


def for_python_range(x):
    for k in range(4):
        x = x + k
    return x


def python_loop_with_tensor_break(x):
    total = x * 0
    for k in range(6):
        total = total + x
        if total > 5:
            break
    return total


def python_loop_with_tensor_continue(x):
    total = x * 0
    for k in [1, 2, 3]:
        if x * k > 3:
            continue
        total = total + k
    return total


def python_loop_with_tensor_return(x):
    for k in (1.0, 2.0, 3.0):
        if x < k:
            return x * k
    return x * 0


def for_else(n):
    for k in range(n):
        if k == 5:
            break
    else:
        return n * 0 - 1
    return k


def last_target(n):
    k = tensor(-1)
    for k in range(n):
        pass
    return k


def for_over_list_of_tensors(x):
    total = x * 0
    for part in [x, x * 2, x * 3]:
        total = total + part
    return total


def sequence_of_reversed(n):
    total = 0
    for k in reversed(range(n)):
        total = total * 2 + k
    return total


# -- for over tensors --------------------------------------------------------------------


def rows(m):
    s = ops.zeros((2,))
    for row in m:
        s = s * 0.5 + row
    return s


def rows_with_break(m):
    s = ops.zeros((2,))
    for row in m:
        if row[0] > 3:
            break
        s += row
    return s


def enumerated(m):
    s = ops.zeros((2,))
    for k, row in enumerate(m):
        s = s + row * ops.cast(k, "float32")
    return s


def zipped(m):
    s = ops.zeros((2,))
    for k, (a, b) in enumerate(zip(m, m[::-1]), 1):
        s = s + a * b * ops.cast(k, "float32")
    return s


def unpacked_rows(m):
    s = tensor(0.0)
    for a, b in m:
        s = s + a * b
    return s


def carried_through_rows(m):
    first, second = tensor(0.0), tensor(1.0)
    for row in m:
        first, second = second, first + ops.sum(row)
    return first, second


def nested_rows(m):
    total = tensor(0.0)
    for row in m:
        for value in row:
            if value > 2:
                total = total + value
            else:
                total = total - 1
    return total


# -- conditions in expressions -----------------------------------------------------------


def logic(x):
    ok = (x > 0 and x < 10) or not x > -10
    return 1 if ok else 0


def chained(x):
    return 1 if 0 < x < 3 <= 3 else 0


def chained_once(x):
    seen = []

    def middle():
        seen.append(1)
        return x + 0

    ok = 0 < middle() < 3
    return (x if ok else -x), len(seen)


def conditional_expression(x):
    return x * 2 if x > 0 else (x if x > -1 else -x)


def python_values_stay(x):
    a = [] or None
    b = 0 and 1 / 0
    c = "text" if a is None and not b else 1
    return x + len(c)


def membership(x):
    y = x * 0
    if x in (1.0, 3.0):
        y = y + 1
    if x not in [0.0, 1.0]:
        y = y + 2
    return y


def walrus_in_condition(x):
    if (y := x * 2) > 3 and y < 100:
        return y
    return -y


def guarded_division(x):
    n = ops.cast(x, "int32")
    return 1 if n != 0 and 6 // n > 2 else 0


def builtins_on_tensors(x):
    return max(x, 1.5), min(x, 1.5, -x), int(x), float(int(x)), abs(x), bool(x)


def any_and_all(x):
    parts = [x, x + 1, x + 2]
    yes = any(part > 2 for part in parts)
    each = all([part > -1 for part in parts])
    return (1 if yes else 0), (1 if each else 0), sum(parts), len(parts)


# -- functions ---------------------------------------------------------------------------


def helper(x, y=2):
    if x > y:
        return x - y
    return y - x


def calls_a_function(x):
    return helper(x) + helper(x, y=5)


def nested_function(x):
    def inner(v):
        if v > 1:
            return v * 3
        return v

    return inner(x) + inner(x - 2)


def nonlocal_names(x):
    count = tensor(0)

    def more(v):
        nonlocal count
        if v > 0:
            count = count + 1
        return v

    more(x)
    more(-x)
    if x > 1:
        more(x)
    return count


def late_binding(x):
    if x > 0:
        y = x
    else:
        y = x * 2
    read = lambda: y
    if x > 1:
        y = y + 10
    return read()


def lambdas(x):
    sign = lambda v: 1 if v > 0 else -1
    return list(map(lambda v: v * sign(v), [x, -x]))


def recursion(x, depth=3):
    if depth == 0:
        return x
    if x > 2:
        x = x - 1
    return recursion(x, depth - 1) + depth


def keyword_arguments(x, *more, scale=2, **others):
    for value in more:
        if value > 0:
            x = x + value * scale
    return x + others["bias"]


def calls_with_stars(x):
    return keyword_arguments(x, *[x, -x], **{"bias": 1, "scale": 3})


def comprehension(x):
    return sum([helper(x, k) for k in range(3) if k != 1])


# -- other statements --------------------------------------------------------------------


def matched(x):
    n = ops.cast(x, "int32")
    match n:
        case 0:
            y = x + 100
        case 1 | 2:
            y = x * 7
        case other if other < 0:
            return -x
        case _:
            y = x
    return y


def matched_python(x):
    point = (1, "two")
    match point:
        case (1, str() as text):
            if x > 0:
                return x + len(text)
            return x
        case _:
            return x * 0


def with_and_try(x):
    y = x
    try:
        with weft.name_scope("inner") if hasattr(weft, "name_scope") else _nothing():
            if x > 0:
                y = x * 2
            else:
                return x - 1
    except ValueError:
        y = x * 100
    else:
        y = y + 1
    finally:
        z = 5
    return y + z


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False


def deleted(x):
    t = x * 2
    if x > 0:
        x = x + t
    del t
    t = x
    return t


def lists_of_python(x):
    a = [1.0, 2.0]
    if x > 0:
        a[0] = x
    else:
        a[1] = x * 2
    return a[0] + a[1]


def dicts_of_python(x):
    d = {"n": x}
    key = "n"
    if x > 0:
        d["n"] = d["n"] * 2
        d[key] = d[key] + 1
    i = 0
    while i < x:
        d["n"] += 1
        i += 1
    return d["n"]


class Box:
    def __init__(self, value):
        self.value = value
        self.inner = self

    def grow(self, x):
        if x > 0:
            self.value = self.value + x
        else:
            self.inner.value = self.value * 2
        return self.value

    def __call__(self, x):
        if x > 1:
            self.value = self.value + 1
        return self.value


def attributes(x):
    box = Box(x)
    total = box.grow(x) + box(x)
    while box.value < 20:
        box.value = box.value + 6
    return total, box.value


def annotated(x):
    y: float = x
    z: float
    if x > 0:
        y: float = x * 2
    return y


def maybe_defined_and_guarded(x):
    known = False
    if x > 100:
        pass
    for k in range(3):
        if not known:
            y = x + k
            known = True
    return y


def defined_in_the_loop(n):
    for k in range(n + 1):
        y = k * 2
    return y


def defined_in_while(n):
    i = 0
    while i < n + 1:
        y = i * 2
        i += 1
    return y


FLOATS = tuple(tensor(v) for v in (-3.0, -1.0, 0.0, 1.0, 2.5, 3.0, 7.0))
INTS = tuple(tensor(v) for v in (0, 1, 2, 5, 9))
MATRICES = tuple(
    tensor(v)
    for v in ([[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[4.0, 1.0], [0.0, 3.0]])
)

PROGRAMS = {
    FLOATS: [
        if_else, if_without_else, elif_chain, nested_if, python_number_meets_tensor,
        two_python_numbers, python_condition_inside, structures, several_names,
        scratch_names_stay_inside, falsy_number, early_return, returns_in_all_arms, may_return,
        return_in_for, return_in_nested_loops, return_structures, no_return_value,
        for_python_range, python_loop_with_tensor_break, python_loop_with_tensor_continue,
        python_loop_with_tensor_return, for_over_list_of_tensors, logic, chained, chained_once,
        conditional_expression, python_values_stay, membership, walrus_in_condition,
        guarded_division, builtins_on_tensors, any_and_all, calls_a_function, nested_function,
        nonlocal_names, late_binding, lambdas, recursion, calls_with_stars, comprehension,
        matched, matched_python, with_and_try, deleted, lists_of_python, dicts_of_python,
        attributes, annotated, maybe_defined_and_guarded,
    ],
    INTS: [
        return_number_in_while, while_sum, while_from_numbers, collatz, while_true,
        while_break_continue, while_else, while_walrus, nested_while, becomes_float,
        carried_structure, number_that_no_step_changes, for_range, for_range_with_steps,
        for_else, last_target, sequence_of_reversed, defined_in_the_loop, defined_in_while,
    ],
    MATRICES: [
        rows, rows_with_break, enumerated, zipped, unpacked_rows, carried_through_rows,
        nested_rows,
    ],
}  # fmt: skip
