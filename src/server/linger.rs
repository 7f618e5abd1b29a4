//! Closing a connection whose peer is still sending.
//!
//! A request may be answered before its body was read: it is announced as too large, or its token is not good. Who closes
//! a socket with unread bytes in it resets the connection, and the reset can overtake the answer: a peer that writes its
//! whole body before it reads sees a broken pipe and never learns why. So the sending half is closed first, and what the
//! peer still sends is read and thrown away, within bounds.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What is thrown away at the most. As much as the largest body that any endpoint takes: reading it costs no more than
/// reading one that is accepted, and who sends several times as much is better told by a broken pipe than served.
pub const BYTES: usize = 8 << 20;
/// For how long at the most. A peer that reads while it writes closes at once; one that reads afterwards needs the time
/// for its last bytes. Meanwhile the connection holds one of the places.
pub const TIME: Duration = Duration::from_secs(5);
/// Bytes thrown away at a time.
const CHUNK: usize = 16 << 10;

/// Whether a connection's request has a body that was not read to its end. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<AtomicBool>);

impl Unread {
    fn set(&self, unread: bool) {
        self.0.store(unread, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that tells when it was read to its end.
pub struct Told<B> {
    body: B,
    unread: Unread,
}

impl<B: HttpBody> Told<B> {
    /// The body of the connection's next request.
    pub fn new(body: B, unread: Unread) -> Self {
        unread.set(!body.is_end_stream());
        Self { body, unread }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Told<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if frame.is_none() || this.body.is_end_stream() {
            this.unread.set(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that lingers when it is closed with something unread.
pub struct Lingering<C> {
    connection: C,
    unread: Unread,
    closing: Closing,
}

enum Closing {
    /// The sending half is open.
    Open,
    /// It is closed; so many bytes are still thrown away, until then.
    Discarding { left: usize, end: Pin<Box<Sleep>> },
    /// Nothing more is read.
    Done,
}

impl<C> Lingering<C> {
    /// Wraps a connection.
    pub fn new(connection: C, unread: Unread) -> Self {
        Self { connection, unread, closing: Closing::Open }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Lingering<C> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_read(context, buffer)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<C> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.connection).poll_shutdown(context))?;
                    this.closing = if this.unread.is_set() {
                        Closing::Discarding { left: BYTES, end: Box::pin(tokio::time::sleep(TIME)) }
                    } else {
                        Closing::Done
                    };
                }
                Closing::Discarding { left, end } => {
                    if end.as_mut().poll(context).is_ready() {
                        this.closing = Closing::Done;
                        continue;
                    }
                    let mut chunk = [0; CHUNK];
                    let mut buffer = ReadBuf::new(&mut chunk);
                    let read = ready!(Pin::new(&mut this.connection).poll_read(context, &mut buffer));
                    let length = buffer.filled().len();
                    *left = left.saturating_sub(length);
                    // The peer has ended too, is gone, or was given enough.
                    if read.is_err() || length == 0 || *left == 0 {
                        this.closing = Closing::Done;
                    }
                }
                Closing::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}
