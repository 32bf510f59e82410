//! What both protocols' targets share: a door without a socket, and bodies in pieces.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use otlet::acceptance::Accepted;
use otlet::memory::Memory;
use otlet::payload::Payload;
use otlet::receiver::{Answer, Door, Protocol, Speaks};
use tokio::runtime::{Builder, Runtime};

use crate::choices::Choices;

/// How many bytes in front choose what stands around a body.
pub(crate) const CHOICES: usize = 16;

/// Small, so that a bomb reaches it.
pub(crate) const MAX_REQUEST_SIZE: usize = 100_000;

thread_local! {
    /// Bodies are read within a time, which wants a runtime.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a thread can have a runtime");
}

/// A body that comes in two pieces, and is perhaps cut short.
pub(crate) struct Pieces {
    data: VecDeque<Bytes>,
    cut_short: bool,
    exact: Option<u64>,
}

impl Pieces {
    fn chosen(choices: &mut Choices<'_>, body: &[u8]) -> Self {
        let (one, other) = body.split_at(choices.below(body.len() + 1));
        let knows_its_length = choices.byte().is_multiple_of(2);
        Self {
            data: [one, other].map(Bytes::copy_from_slice).into(),
            cut_short: choices.byte() > 230,
            exact: knows_its_length.then_some(body.len() as u64),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.data.pop_front() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if self.cut_short => Some(Err(io::ErrorKind::ConnectionReset.into())),
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or(SizeHint::default(), SizeHint::with_exact)
    }
}

/// A request to one of these paths, its method, headers and pieces chosen. None where a header cannot be one.
pub(crate) fn request(
    choices: &mut Choices<'_>,
    paths: &[&str],
    headers: &[(&'static str, &[&str])],
    body: &[u8],
) -> Option<Request<Pieces>> {
    let method = if choices.byte() > 250 {
        Method::GET
    } else {
        Method::POST
    };
    let mut request = Request::builder().method(method).uri(*choices.pick(paths));
    for (name, values) in headers {
        let value = match choices.byte() {
            // Left out; from the body, where anything may stand; one that is known.
            255 => continue,
            251..=254 => HeaderValue::from_bytes(body.get(..choices.below(32))?).ok()?,
            known => HeaderValue::from_str(values.get(usize::from(known) % values.len())?).ok()?,
        };
        request = request.header(*name, value);
    }
    request.body(Pieces::chosen(choices, body)).ok()
}

/// The answer to a request, and what was handed on. Whatever it was, nothing stays behind.
pub(crate) fn answer(
    speaks: Speaks,
    request: Request<Pieces>,
) -> (Response<Answer>, Option<Payload>) {
    let taken = Arc::new(Mutex::new(None));
    let next = {
        let taken = Arc::clone(&taken);
        move |payload| {
            let before = taken.lock().expect("one thread").replace(payload);
            assert!(before.is_none(), "one request is handed on twice");
            let done: Pin<Box<dyn Future<Output = _> + Send>> =
                Box::pin(async { Ok(Accepted::default()) });
            done
        }
    };
    let protocol = Protocol {
        max_request_size: MAX_REQUEST_SIZE,
        max_in_flight: 250_000,
        ..Protocol::at(([127, 0, 0, 1], 0).into())
    };
    let door = Door::new(speaks, protocol, Arc::new(next), Memory::unbounded());
    let response = RUNTIME.with(|runtime| runtime.block_on(door.answer(request)));
    assert_eq!(door.in_flight(), 0);
    let payload = taken.lock().expect("one thread").take();
    (response, payload)
}
