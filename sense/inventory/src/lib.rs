//! What is on the host: packages, ports, users, services and more, and how it changes.
