//! Ports for what cannot choose one itself.

use std::net::{Ipv4Addr, TcpListener};

use xtask::report::Failure;

/// Below the ports that systems hand out by themselves (32768 and up on Linux, 49152 and up elsewhere), so that none of
/// these is given to another program before it is opened.
const FROM: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Ports that nobody listens on, each another one.
///
/// # Errors
///
/// So many are not free.
pub(crate) fn free<const N: usize>() -> Result<[u16; N], Failure> {
    // Others look for some at the same time: they begin elsewhere.
    let begin = fastrand::u16(..COUNT);
    let ports = (0..COUNT).map(|step| FROM + (begin + step) % COUNT);
    let free = ports.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).take(N);
    free.collect::<Vec<_>>()
        .try_into()
        .map_err(|_fewer| Failure::new(format!("fewer than {N} ports from {FROM} on are free")))
}
