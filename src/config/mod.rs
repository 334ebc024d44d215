//! Settings: flags and config file to one `Config`.
