//! Sigma's correlation rules: what several events say together.
