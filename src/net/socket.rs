//! A connected socket, TCP or unix.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// How much is read at a time, unless a longer argument is awaited.
const READ_BYTES: usize = 64 * 1024;

/// How much of a longer argument is read at a time.
const LONG_READ_BYTES: usize = 512 * 1024;

thread_local! {
    /// Where bytes are read to before it is known whose they are and how many. One for each thread:
    /// a connection that says nothing holds no memory, and a read that does not fill it tells tokio
    /// that the socket is empty, which saves asking the kernel again.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Reads what is there behind what `buf` holds; 0: the peer has closed. If more than a scratch
    /// buffer of bytes is known to come, room for `missing` is made in `buf` itself.
    pub async fn read(&mut self, buf: &mut Vec<u8>, missing: usize) -> io::Result<usize> {
        poll_fn(|context| {
            if missing > READ_BYTES {
                return self.poll_read_long(context, buf, missing);
            }
            SCRATCH.with_borrow_mut(|scratch| {
                let mut scratch = ReadBuf::new(scratch);
                ready!(self.poll_read(context, &mut scratch))?;
                buf.extend_from_slice(scratch.filled());
                Poll::Ready(Ok(scratch.filled().len()))
            })
        })
        .await
    }

    fn poll_read_long(
        &mut self,
        context: &mut Context<'_>,
        buf: &mut Vec<u8>,
        missing: usize,
    ) -> Poll<io::Result<usize>> {
        // In pieces: a length alone must not take memory, and the room is zeroed at each poll.
        let room = missing.min(LONG_READ_BYTES);
        let start = buf.len();
        buf.resize(start + room, 0);
        let mut unfilled = ReadBuf::new(&mut buf[start..]);
        let polled = self.poll_read(context, &mut unfilled);
        let filled = unfilled.filled().len();
        buf.truncate(start + filled);
        polled.map_ok(|()| filled)
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(context, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_read(context, buf),
        }
    }

    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.readable().await,
            Socket::Unix(stream) => stream.readable().await,
        }
    }

    pub async fn writable(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.writable().await,
            Socket::Unix(stream) => stream.writable().await,
        }
    }

    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_write(bytes),
            Socket::Unix(stream) => stream.try_write(bytes),
        }
    }
}
