//! Formats and protocols of threat intelligence, in and out.
