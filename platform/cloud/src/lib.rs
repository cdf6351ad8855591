//! What is reached over HTTPS.
