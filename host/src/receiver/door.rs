//! What all connections of one listening socket share: bounds, budget, counters, and what comes next.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use tokio::time;

use super::admission::{Budget, Charge, Over};
use super::answer::Answer;
use super::body::{self, Fault};
use super::counters::Counters;
use super::{Next, Protocol, grpc, http as otlp_http};
use crate::acceptance::Accepted;
use crate::batch::Signal;
use crate::compression::{self, Coding, Packed};
use crate::fresh::Wrong;
use crate::memory::Memory;
use crate::payload::{PREFIX, Payload};
use crate::refusal::{RETRY_AFTER, Refusal};
use crate::telemetry::Throttle;
use crate::{auth, tls};

/// The most that the bound on a request can be: a gRPC prefix has 32 bits for the length.
const MAX_REQUEST_SIZE: usize = 1 << 30;

/// What is spoken at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, versions 1.1 and 2.
    Http,
}

impl Speaks {
    /// The protocol's name in the config.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }

    /// The key that bounds a request, by its name in the config.
    fn size_key(self) -> &'static str {
        match self {
            Self::Grpc => "max_recv_msg_size_mib",
            Self::Http => "max_request_body_size",
        }
    }
}

/// One listening socket, as its connections see it: where requests are read and answered.
pub struct Door {
    pub(super) speaks: Speaks,
    pub(super) protocol: Protocol,
    pub(super) counters: Arc<Counters>,
    /// Shakes hands with every connection, if TLS is spoken.
    pub(super) tls: Option<tls::Acceptor>,
    /// The tokens of which a request must have one, if so.
    guard: Option<auth::Guard>,
    /// Keep what anybody may cause from flooding the log.
    pub(super) handshakes: Throttle,
    strangers: Throttle,
    budget: Arc<Budget>,
    connections: AtomicUsize,
    next: Next,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Peer {
    /// A number for its address, that of a whole network of IPv6: whoever has one address has all of that.
    fn number(&self) -> u64 {
        match self.0.ip().to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
        }
    }
}

/// Counts one connection for as long as it lives.
pub(super) struct Open(Arc<Door>);

impl Door {
    /// A door without a socket yet, and open to all: without TLS and tokens.
    pub fn new(speaks: Speaks, protocol: Protocol, next: Next, memory: Memory) -> Arc<Self> {
        Arc::new(Self::with(speaks, protocol, next, memory, (None, None)))
    }

    /// A door of the receiver of that name, with the TLS and tokens of its config, which counts on in `counters`.
    pub(super) fn guarded(
        receiver: &str,
        speaks: Speaks,
        protocol: Protocol,
        next: Next,
        memory: Memory,
        counters: Arc<Counters>,
    ) -> Result<Arc<Self>, Wrong> {
        let protocols = match speaks {
            Speaks::Grpc => &[tls::H2][..],
            Speaks::Http => &[tls::H2, tls::HTTP1],
        };
        let what = format!("receiver {receiver:?}, {}", speaks.name());
        let tls = protocol.tls.as_deref();
        let tls = tls.map(|tls| tls::Acceptor::new(&what, tls, protocols));
        let guard = protocol.auth.as_deref().map(auth::Guard::new);
        let checks = (tls.transpose()?, guard.transpose()?);
        let door = Self::with(speaks, protocol, next, memory, checks);
        Ok(Arc::new(Self { counters, ..door }))
    }

    fn with(
        speaks: Speaks,
        mut protocol: Protocol,
        next: Next,
        memory: Memory,
        (tls, guard): (Option<tls::Acceptor>, Option<auth::Guard>),
    ) -> Self {
        protocol.max_request_size = protocol.max_request_size.min(MAX_REQUEST_SIZE);
        // So that a bound of twice the largest request is enough for it.
        let prefixes = 2 * PREFIX;
        Self {
            speaks,
            counters: Arc::default(),
            tls,
            guard,
            handshakes: Throttle::new(),
            strangers: Throttle::new(),
            budget: Budget::new(protocol.max_in_flight.saturating_add(prefixes), memory),
            connections: AtomicUsize::new(0),
            protocol,
            next,
        }
    }

    /// Answers one request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let begun = self.counters.begin();
        let response = match self.speaks {
            Speaks::Grpc => grpc::answer(self, request).await,
            Speaks::Http => otlp_http::answer(self, request).await,
        };
        begun.end();
        response
    }

    /// Refuses a request without one of the tokens, before its body is looked at.
    pub(super) async fn admit_sender(&self, head: &Parts) -> Result<(), Refusal> {
        let Some(guard) = &self.guard else {
            return Ok(());
        };
        let Err(reason) = guard.admit(&head.headers).await else {
            return Ok(());
        };
        if let Some(unlogged) = self.strangers.pass() {
            let address = self.protocol.endpoint;
            let peer = head
                .extensions
                .get()
                .map(|Peer(peer)| tracing::field::display(*peer));
            tracing::warn!(%address, peer, reason, unlogged, "a request without a token was refused");
        }
        Err(Refusal::Unauthenticated(reason))
    }

    /// Whether requests must have tokens.
    pub(super) fn asks_for_tokens(&self) -> bool {
        self.guard.is_some()
    }

    /// What a client without a token is told to send, as HTTP has it.
    pub(super) fn challenge(&self) -> Option<HeaderValue> {
        let scheme = self.guard.as_ref()?.scheme();
        let scheme = if scheme.is_empty() { "Bearer" } else { scheme };
        HeaderValue::from_str(scheme).ok()
    }

    /// Counts a connection, unless there are as many as may be.
    pub(super) fn open(self: &Arc<Self>) -> Option<Open> {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(self));
        if before < self.protocol.max_connections {
            self.counters.connections.add(1);
            Some(open)
        } else {
            self.counters.connections_refused.add(1);
            None
        }
    }

    /// The connections open now.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The bytes that requests hold now.
    pub fn in_flight(&self) -> usize {
        self.budget.used()
    }

    /// Hands a request on.
    pub(super) async fn pass(&self, head: &Parts, payload: Payload) -> Result<Accepted, Refusal> {
        let sender = head.extensions.get().map_or(0, Peer::number);
        (self.next)(payload.from_sender(sender)).await
    }

    /// Reads a body for as long as a body may take.
    pub(super) async fn in_time<T>(
        &self,
        reading: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let bound = self.protocol.read_timeout;
        time::timeout(bound, reading).await.unwrap_or_else(|_late| {
            let what = format!(
                "the body did not arrive within `read_timeout` ({} ms)",
                bound.as_millis()
            );
            let after = RETRY_AFTER;
            Err(Fault::Refused(Refusal::Unavailable { what, after }))
        })
    }

    /// Counts what was taken.
    pub(super) fn accept(&self, accepted: &Accepted) {
        self.counters.accepted.add(1);
        if !accepted.is_whole() {
            self.counters.partial(accepted);
        }
    }

    /// Counts what was not taken, and reads the rest of it. `wanted` is false for a sender that waits for a word before it
    /// sends a body.
    pub(super) async fn refuse<B>(&self, refusal: &Refusal, body: &mut B, wanted: bool)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.counters.refused(refusal);
        if wanted {
            body::drain(body).await;
        }
    }

    /// A charge of nothing yet.
    pub(super) fn charge(&self) -> Charge {
        Charge::none(&self.budget)
    }

    /// Refuses a request whose announced bytes would not fit now.
    pub(super) fn would_fit(&self, charge: &Charge, bytes: usize) -> Result<(), Refusal> {
        charge.would_fit(bytes).map_err(|over| self.over(over))
    }

    /// Charges a request's bytes.
    pub(super) fn grow(&self, charge: &mut Charge, bytes: usize) -> Result<(), Refusal> {
        charge.grow(bytes).map_err(|over| self.over(over))
    }

    fn over(&self, over: Over) -> Refusal {
        match over {
            Over::Full => Refusal::Full {
                what: "the memory for requests in flight".to_owned(),
                after: RETRY_AFTER,
            },
            Over::Memory => Refusal::out_of_memory(),
            Over::Never => Refusal::TooLarge(format!(
                "the request needs more memory than `max_in_flight` ({} bytes): send smaller batches, or raise it",
                self.protocol.max_in_flight
            )),
        }
    }

    /// Refuses a body that is too large.
    pub(super) fn check_size(&self, len: usize) -> Result<(), Refusal> {
        let most = self.protocol.max_request_size;
        if len <= most {
            return Ok(());
        }
        Err(Refusal::TooLarge(format!(
            "the request is larger than `{}` ({most} bytes): send smaller batches, or raise it",
            self.speaks.size_key()
        )))
    }

    /// Charges what a compressed body with its prefix will hold once opened, as far as it says, and refuses what is too large
    /// then.
    pub(super) fn admit(
        &self,
        coding: Coding,
        framed: Bytes,
        charge: &mut Charge,
    ) -> Result<Packed, Refusal> {
        let key = self.speaks.size_key();
        let packed = compression::admit(coding, framed, self.protocol.max_request_size)
            .map_err(|error| error.refusal(key))?;
        self.grow(charge, packed.size)?;
        Ok(Packed { key, ..packed })
    }

    /// What goes on of a compressed body: itself, unless it is of several members or frames, which not every backend takes.
    pub(super) fn carried(signal: Signal, packed: Packed) -> Result<Payload, Refusal> {
        if packed.is_one {
            return Ok(Payload::packed(signal, packed));
        }
        let opened = compression::inflate(&packed).map_err(|error| error.refusal(packed.key))?;
        Ok(Payload::plain(signal, opened))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
