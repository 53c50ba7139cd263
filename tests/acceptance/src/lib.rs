//! The black-box suite lives in `tests/`: it runs the built executables from outside, with real clients.
