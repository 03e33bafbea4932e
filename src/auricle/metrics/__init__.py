"""One figure of merit a file: scores and truths in, one number out. numpy and scikit-learn, no torch.

An entry is a class with `kinds` (the task kinds it is defined for), `better` ("higher" or "lower") and
`__call__(probabilities [R, K], truth) -> float`, truth being [R] indices,
[R, K] multi-hot, or for a `distribution` [R, K] shares of the annotators' votes; of a `wave` both are [R, T] waves. One that also has
`resampled(probabilities, truth, weights [R, B]) -> [B]` gets its interval fast; any other is shown the resampled clips one by one.
"""
