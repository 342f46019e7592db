//! A template and its binaries, running on this machine
