//! AWS's wire protocols: query with XML answers, JSON, and their errors.

pub(crate) mod error;
pub(crate) mod md5;
pub(crate) mod own;
pub(crate) mod query;
pub(crate) mod xml;

use axum::serve::{ListenerExt, TapIo};
use tokio::net::{TcpListener, TcpStream};

pub use error::ApiError;

/// A listener whose connections send what they have at once; answers are small, and waiting to fill a packet costs 40 ms.
pub(crate) fn prompt(listener: TcpListener) -> TapIo<TcpListener, fn(&mut TcpStream)> {
    listener.tap_io(|stream| {
        let _slower_then = stream.set_nodelay(true);
    })
}
