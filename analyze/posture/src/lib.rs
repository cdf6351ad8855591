//! How well the host stands: installed versions against advisories.
