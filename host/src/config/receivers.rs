//! Reads `receivers`.
//!
//! The keys are the Collector's where it has one:
//!
//! | key | of | field of [`Protocol`] |
//! |---|---|---|
//! | `endpoint: 127.0.0.1:4317` | grpc, http | `endpoint`; `:4317` is every IPv4 address |
//! | `max_recv_msg_size_mib: 16` | grpc | `max_request_size` |
//! | `max_request_body_size: 16MiB` | http | `max_request_size` |
//! | `max_concurrent_streams: 64` | grpc, http | the same |
//! | `keepalive: { server_parameters: { max_connection_idle: 5m } }` | grpc | `idle_timeout` |
//! | the other `server_parameters`: `max_connection_age: 10m` and so on | grpc | `keepalive`, by the same names |
//! | `idle_timeout: 5m` | http | `idle_timeout` |
//! | `read_timeout: 30s` | grpc, http | the same |
//! | `tls: { cert_file: cert.pem, key_file: key.pem }` | grpc, http | the same |
//! | `auth: { authenticator: bearertokenauth }` | grpc, http | the same |
//! | `max_in_flight: 256MiB`, `max_connections: 1024` | grpc, http | the same; otlet's own |

pub(super) mod jsonlines;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::receiver::{Config, Protocol};

use super::extensions::{Extensions, Side};
use super::reader::{Lacking, Mistakes, Reader};
use super::report::{Mistake, Place, quoted};
use super::{tls, units};

/// The ports that OTLP is at home on.
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// Long enough for the slowest sender, short enough that forgotten connections go.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24);

/// One message; its length must fit a gRPC prefix with much to spare.
const REQUEST_SIZES: RangeInclusive<u64> = 1024..=1 << 30;

/// Keys of the Collector's servers that otlet has no equivalent for.
const LACKING: Lacking = &[
    (
        "cors",
        "browsers cannot send to otlet directly yet: remove it",
    ),
    ("transport", "otlet listens on TCP alone: remove it"),
    (
        "include_metadata",
        "plugins do not see the headers of requests: remove it",
    ),
    (
        "read_buffer_size",
        "otlet sizes its buffers itself: remove it",
    ),
    (
        "write_buffer_size",
        "otlet sizes its buffers itself: remove it",
    ),
    (
        "compression_algorithms",
        "otlet takes gzip, zstd, deflate and uncompressed requests: remove it",
    ),
    (
        "read_header_timeout",
        "`read_timeout` covers the headers as well: remove it",
    ),
    (
        "write_timeout",
        "answers are small, and `idle_timeout` ends what stands still: remove it",
    ),
    ("traces_url_path", "traces come at /v1/traces: remove it"),
    ("metrics_url_path", "metrics come at /v1/metrics: remove it"),
    ("logs_url_path", "logs come at /v1/logs: remove it"),
    ("middlewares", "otlet has no middlewares: remove it"),
    (
        "response_headers",
        "otlet sends the headers of OTLP alone: remove it",
    ),
    (
        "keep_alives_enabled",
        "connections are kept for `idle_timeout`: set that instead",
    ),
];

const KEEPALIVE_LACKING: Lacking = &[(
    "enforcement_policy",
    "otlet answers pings however often they come: remove it",
)];

/// A socket that the config has listen, to find two at one address.
pub(super) struct Listening {
    /// The receiver's name.
    pub(super) receiver: String,
    pub(super) address: SocketAddr,
    pub(super) place: Place,
    /// Whether what is sent is encrypted, and whether not everyone may send.
    is_secret: bool,
    is_guarded: bool,
}

/// Reads one `otlp` receiver.
pub(super) fn read(
    name: &str,
    mut reader: Reader<'_>,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
    listening: &mut Vec<Listening>,
) -> Config {
    let (mut grpc, mut http) = (None, None);
    let place = reader.place();
    if let Some(mut protocols) = reader.section("protocols") {
        grpc = protocols
            .section("grpc")
            .map(|section| read_grpc(name, section, extensions, listening));
        http = protocols
            .section("http")
            .map(|section| read_http(name, section, extensions, listening));
        if grpc.is_none() && http.is_none() {
            protocols.report(no_protocol(name, protocols.place()));
        }
        protocols.finish();
    } else if !reader.has("protocols") {
        mistakes.borrow_mut().push(no_protocol(name, place));
    }
    reader.finish();
    Config {
        name: name.to_owned(),
        grpc,
        http,
    }
}

/// Reports sockets that cannot both listen, and those that the network reaches.
pub(super) fn check(listening: &[Listening], mistakes: &Mistakes) {
    let mut mistakes = mistakes.borrow_mut();
    for (at, one) in listening.iter().enumerate() {
        let earlier = listening
            .iter()
            .take(at)
            .find(|other| other.meets(one.address));
        if let Some(other) = earlier {
            let what = format!("two receivers on the address {}", one.address);
            let mistake = Mistake::error(one.place, what, "give one of them another port");
            mistakes.push(mistake.and(other.place, "the first is here"));
        }
        if !one.address.ip().is_loopback() {
            let what = format!("{} is reached from other machines", one.address);
            let cure = match (one.is_secret, one.is_guarded) {
                (true, true) => continue,
                (true, false) => {
                    "whoever reaches it can send: set `auth`, or `tls.client_ca_file` to demand certificates"
                }
                (false, true) => "tokens and telemetry can be read on their way: set `tls`",
                (false, false) => {
                    "whoever reaches it can send, and what is sent can be read on its way: set `tls` and `auth`"
                }
            };
            mistakes.push(Mistake::warning(one.place, what, cure));
        }
    }
}

impl Listening {
    /// One that everyone may send to.
    #[cfg(test)]
    pub(super) fn at(receiver: &str, address: SocketAddr) -> Self {
        Self {
            receiver: receiver.to_owned(),
            address,
            place: Place { start: 0, end: 0 },
            is_secret: false,
            is_guarded: false,
        }
    }

    /// Whether nobody else can listen there.
    pub(super) fn meets(&self, address: SocketAddr) -> bool {
        let (a, b) = (self.address, address);
        a.port() != 0
            && a.port() == b.port()
            && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
    }
}

fn has_client_ca(protocol: &Protocol) -> bool {
    let tls = protocol.tls.as_deref();
    tls.is_some_and(|tls| tls.client_ca.is_some())
}

fn no_protocol(name: &str, place: Place) -> Mistake {
    Mistake::error(
        place,
        format!("receiver {} has no protocol", quoted(name)),
        "write `protocols: { grpc: , http: }`, or one of the two",
    )
}

fn read_grpc(
    name: &str,
    reader: Reader<'_>,
    extensions: &Extensions<'_>,
    listening: &mut Vec<Listening>,
) -> Protocol {
    let mut reader = reader.lacking(LACKING);
    let mut grpc = Protocol::at(SocketAddr::from((Ipv4Addr::LOCALHOST, GRPC_PORT)));
    let mut mebibytes = grpc.max_request_size >> 20;
    reader.integer("max_recv_msg_size_mib", 1..=1024, &mut mebibytes);
    grpc.max_request_size = mebibytes << 20;
    if let Some(keepalive) = reader.section("keepalive") {
        let mut keepalive = keepalive.lacking(KEEPALIVE_LACKING);
        if let Some(server) = keepalive.section("server_parameters") {
            read_server_parameters(server, &mut grpc);
        }
        keepalive.finish();
    }
    read_secrets(&mut reader, &mut grpc, extensions);
    read_common(name, reader, &mut grpc, "max_recv_msg_size_mib", listening);
    grpc
}

fn read_server_parameters(mut server: Reader<'_>, grpc: &mut Protocol) {
    server.duration("max_connection_idle", TIMEOUTS, &mut grpc.idle_timeout);
    let keepalive = &mut grpc.keepalive;
    let ages = *TIMEOUTS.start()..=units::MAX_DURATION;
    for (key, value) in [
        ("max_connection_age", &mut keepalive.max_connection_age),
        (
            "max_connection_age_grace",
            &mut keepalive.max_connection_age_grace,
        ),
    ] {
        let mut read = Duration::ZERO;
        server.duration(key, ages.clone(), &mut read);
        *value = Some(read).filter(|read| !read.is_zero());
    }
    server.duration("time", TIMEOUTS, &mut keepalive.time);
    server.duration("timeout", TIMEOUTS, &mut keepalive.timeout);
    server.finish();
}

fn read_http(
    name: &str,
    reader: Reader<'_>,
    extensions: &Extensions<'_>,
    listening: &mut Vec<Listening>,
) -> Protocol {
    let mut reader = reader.lacking(LACKING);
    let mut http = Protocol::at(SocketAddr::from((Ipv4Addr::LOCALHOST, HTTP_PORT)));
    reader.size(
        "max_request_body_size",
        REQUEST_SIZES,
        &mut http.max_request_size,
    );
    reader.duration("idle_timeout", TIMEOUTS, &mut http.idle_timeout);
    read_secrets(&mut reader, &mut http, extensions);
    read_common(name, reader, &mut http, "max_request_body_size", listening);
    http
}

/// Reads what keeps others out.
fn read_secrets(reader: &mut Reader<'_>, protocol: &mut Protocol, extensions: &Extensions<'_>) {
    let tls = reader.section("tls");
    protocol.tls = tls
        .and_then(|section| tls::server(section, extensions.folder))
        .map(Box::new);
    let auth = extensions.authenticator(reader, Side::Receiver);
    protocol.auth = auth.map(|(auth, _place)| Box::new(auth));
}

/// Reads what both protocols have; `size` is the name of their largest request.
fn read_common(
    name: &str,
    mut reader: Reader<'_>,
    protocol: &mut Protocol,
    size: &str,
    listening: &mut Vec<Listening>,
) {
    let want = "an address to listen on, such as `127.0.0.1:4317`";
    let cure = "write `127.0.0.1:4317`, or `0.0.0.0:4317` for every address";
    let address = reader.text("endpoint", want, cure, endpoint);
    protocol.endpoint = address.unwrap_or(protocol.endpoint);
    if address.is_some() || !reader.has("endpoint") {
        listening.push(Listening {
            receiver: name.to_owned(),
            address: protocol.endpoint,
            place: reader.place_of("endpoint"),
            is_secret: reader.has("tls"),
            is_guarded: reader.has("auth") || has_client_ca(protocol),
        });
    }
    reader.size(
        "max_in_flight",
        1 << 20..=1 << 40,
        &mut protocol.max_in_flight,
    );
    reader.integer(
        "max_connections",
        1..=1_000_000,
        &mut protocol.max_connections,
    );
    reader.integer(
        "max_concurrent_streams",
        1..=100_000,
        &mut protocol.max_concurrent_streams,
    );
    reader.duration("read_timeout", TIMEOUTS, &mut protocol.read_timeout);
    report_too_little(&reader, protocol, size);
    reader.finish();
}

/// Reports a bound that the largest request can never be within.
fn report_too_little(reader: &Reader<'_>, protocol: &Protocol, size: &str) {
    let least = protocol.least_in_flight();
    if protocol.max_in_flight >= least {
        return;
    }
    let what = format!(
        "`max_in_flight` ({}) has no room for one request of `{size}`, compressed and opened",
        show(protocol.max_in_flight)
    );
    let cure = format!(
        "set `max_in_flight` to {} or more, better to several times that, or `{size}` to less",
        show(least)
    );
    let written = ["max_in_flight", size]
        .into_iter()
        .find(|key| reader.has(key));
    let place = written.map_or(reader.place(), |key| reader.place_of(key));
    reader.report(Mistake::error(place, what, cure));
}

fn show(bytes: usize) -> String {
    units::show_size(u64::try_from(bytes).unwrap_or(u64::MAX))
}

fn endpoint(text: &str) -> Result<SocketAddr, (String, String)> {
    units::address(text).ok_or_else(|| {
        let what = format!("{} is not an address to listen on", quoted(text));
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
        let cure = if bare != text && units::address(bare).is_some() {
            format!("write it without a scheme: `{bare}`")
        } else if bare.parse::<std::net::IpAddr>().is_ok() || bare == "localhost" {
            "add a port: `127.0.0.1:4317`".to_owned()
        } else {
            "write an IP address and a port: `127.0.0.1:4317`, or `0.0.0.0:4317` for every address"
                .to_owned()
        };
        (what, cure)
    })
}
