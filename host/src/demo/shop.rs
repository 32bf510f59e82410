//! The telemetry of a small shop: web, orders, payments and stock, with the accidents and the personal data of real ones.

mod requests;
mod secrets;

use fastrand::Rng;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span, status};

use requests::{attribute, logs, metrics, text, traces};
use secrets::{Planted, card, encoded};

use super::Telemetry;

/// The services of the shop, in the order in which an order meets them.
pub(super) const SERVICES: [&str; 4] = ["web", "orders", "stock", "payments"];

const NAMES: [&str; 8] = [
    "alice", "bruno", "chidi", "dana", "emre", "farah", "goro", "hanna",
];
const DOMAINS: [&str; 3] = ["example.com", "shop-mail.example.org", "example.net"];
const MILLISECOND: u64 = 1_000_000;

/// What the shop sent, and what it should not have.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) sent: Telemetry,
    pub(super) planted: Planted,
}

/// One order on its way through the services.
struct Order<'a> {
    random: &'a mut Rng,
    trace_id: Vec<u8>,
    email: String,
    card: String,
    token: String,
    id: u32,
    declined: bool,
    now: u64,
}

/// What one service recorded.
#[derive(Default)]
struct Recorded {
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
}

/// The telemetry of `orders` orders, in requests of `per_request` orders each; `now` is in nanoseconds since the epoch.
pub(super) fn traffic(seed: u64, orders: u32, per_request: u32, now: u64) -> Traffic {
    let mut random = Rng::with_seed(seed);
    let mut traffic = Traffic::default();
    let mut placed = 0;
    let mut declined = 0;
    for first in (0..orders).step_by(per_request.max(1) as usize) {
        let mut recorded: [Recorded; SERVICES.len()] = Default::default();
        for index in first..orders.min(first + per_request) {
            let order = Order::place(
                &mut random,
                index,
                now + u64::from(index) * 40 * MILLISECOND,
            );
            traffic.planted.add(&order);
            placed += 1;
            declined += i64::from(order.declined);
            order.run(&mut recorded);
        }
        for (service, recorded) in SERVICES.into_iter().zip(recorded) {
            traffic.sent.traces.push(traces(service, recorded.spans));
            if !recorded.logs.is_empty() {
                traffic.sent.logs.push(logs(service, recorded.logs));
            }
        }
        traffic.sent.metrics.push(metrics(placed, declined, now));
    }
    traffic
}

impl<'a> Order<'a> {
    fn place(random: &'a mut Rng, index: u32, now: u64) -> Self {
        let name = random.choice(NAMES).expect("there are names");
        let domain = random.choice(DOMAINS).expect("there are domains");
        Self {
            trace_id: id(random, 16),
            email: format!("{name}.{}@{domain}", random.u16(10..1000)),
            card: card(random),
            token: (0..32).map(|_| random.alphanumeric()).collect(),
            id: 40_000 + index,
            declined: random.u8(..10) == 0,
            now,
            random,
        }
    }

    /// The order's way through the shop: web asks orders, which asks stock and then payments.
    fn run(mut self, [web, orders, stock, payments]: &mut [Recorded; 4]) {
        let took = self.random.u64(20..220) * MILLISECOND;
        let at = |part: u64| self.now + took * part / 100;
        let times = [
            (0, 100),
            (3, 97),
            (5, 95),
            (10, 30),
            (12, 28),
            (35, 90),
            (38, 88),
        ]
        .map(|(start, end)| (at(start), at(end)));
        let [
            request,
            call_orders,
            order,
            call_stock,
            reserve,
            call_payments,
            charge,
        ] = times.map(|(start, end)| self.span(start, end));

        let checkout = self.server(request.clone(), None, "POST /checkout");
        let checkout = with(
            checkout,
            [
                ("user.email", text(&self.email)),
                (
                    "http.request.header.authorization",
                    text(&format!("Bearer {}", self.token)),
                ),
                (
                    "url.full",
                    text(&format!(
                        "https://shop.example/checkout?email={}",
                        encoded(&self.email)
                    )),
                ),
            ],
        );
        web.spans
            .extend([checkout, client(call_orders.clone(), &request, "POST")]);

        let mut place = self.server(order.clone(), Some(&call_orders), "POST /orders");
        log(
            orders,
            &order,
            "INFO",
            &format!("order {} of {} received", self.id, self.email),
        );
        orders
            .spans
            .push(client(call_stock.clone(), &order, "POST"));
        let statement = format!(
            "UPDATE stock SET reserved = reserved + 1 WHERE sku = 'sku-{}'",
            self.random.u8(..)
        );
        let reserve = self.server(reserve, Some(&call_stock), "POST /reservations");
        stock
            .spans
            .push(with(reserve, [("db.query.text", text(&statement))]));
        orders
            .spans
            .push(client(call_payments.clone(), &order, "POST"));

        let mut pay = self.server(charge.clone(), Some(&call_payments), "POST /charges");
        pay = with(
            pay,
            [(
                "payment.amount",
                AnyValue {
                    value: Some(Value::DoubleValue(self.amount())),
                },
            )],
        );
        if self.declined {
            let why = format!(
                "CardDeclined: card {} of {} was declined",
                self.card, self.email
            );
            log(payments, &charge, "ERROR", &why);
            pay = fail(pay, &why);
            place = fail(place, "payment failed");
        } else {
            log(
                payments,
                &charge,
                "INFO",
                &format!("charged card {} for order {}", self.card, self.id),
            );
        }
        payments.spans.push(pay);
        orders.spans.push(place);
    }

    fn amount(&mut self) -> f64 {
        f64::from(self.random.u16(500..20_000)) / 100.0
    }

    fn span(&mut self, start: u64, end: u64) -> Span {
        Span {
            trace_id: self.trace_id.clone(),
            span_id: id(self.random, 8),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            flags: 0x100,
            ..Span::default()
        }
    }

    fn server(&self, span: Span, parent: Option<&Span>, name: &str) -> Span {
        let span = Span {
            name: name.to_owned(),
            kind: span::SpanKind::Server.into(),
            parent_span_id: parent
                .map(|parent| parent.span_id.clone())
                .unwrap_or_default(),
            ..span
        };
        with(
            span,
            [(
                "order.id",
                AnyValue {
                    value: Some(Value::IntValue(i64::from(self.id))),
                },
            )],
        )
    }
}

fn client(span: Span, parent: &Span, name: &str) -> Span {
    Span {
        name: name.to_owned(),
        kind: span::SpanKind::Client.into(),
        parent_span_id: parent.span_id.clone(),
        ..span
    }
}

/// A line as the usual JSON formatter of Python writes it: its ids are text, and the record has none.
fn log(to: &mut Recorded, span: &Span, level: &str, message: &str) {
    let line = serde_json::json!({
        "timestamp": span.start_time_unix_nano / MILLISECOND,
        "severity": level,
        "name": "shop",
        "message": message,
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
    });
    to.logs.push(LogRecord {
        time_unix_nano: span.start_time_unix_nano,
        observed_time_unix_nano: span.start_time_unix_nano,
        body: Some(text(&line.to_string())),
        ..LogRecord::default()
    });
}

fn fail(span: Span, why: &str) -> Span {
    let status = Status {
        message: why.to_owned(),
        code: status::StatusCode::Error.into(),
    };
    let event = span::Event {
        time_unix_nano: span.end_time_unix_nano,
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.message", text(why)),
            attribute(
                "exception.stacktrace",
                text(&format!("Traceback (most recent call last):\n  ...\n{why}")),
            ),
        ],
        ..span::Event::default()
    };
    Span {
        status: Some(status),
        events: vec![event],
        ..span
    }
}

fn with<const N: usize>(mut span: Span, attributes: [(&str, AnyValue); N]) -> Span {
    span.attributes.extend(
        attributes
            .into_iter()
            .map(|(key, value)| attribute(key, value)),
    );
    span
}

fn id(random: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.u8(1..)).collect()
}

/// Bytes as lower-case hexadecimal text.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
