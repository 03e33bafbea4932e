"""One way to make a trained thing quicker or smaller a file: `bundle -> bundle` of the same task, labels and calibration.

An entry is a class with `exact` (whether the answers stay the same, but for rounding in 32 bits) and `compress(bundle, clips) -> Bundle`,
where `clips` are batches `(wave [B, T], length [B])` of sound like that to come; one that is `exact` needs none. What it gives answers and
may be evaluated, but not trained nor saved: the weights stay in the bundle that it was made of, which is not changed.
"""
