//! Looks into files: YARA rules, archives, packers, web shells.
