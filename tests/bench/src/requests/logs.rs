//! Log records of a web service.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use super::{attribute, id, integer, resource, scope, text};

fn log(random: &mut fastrand::Rng) -> LogRecord {
    let time = 1_780_000_000_000_000_000 + random.u64(..1_000_000_000);
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: text(format!(
            "order {} accepted for customer {} in {} ms; {} items are reserved until {}, and the warehouse has been told",
            random.u32(..),
            random.u16(..),
            random.u8(..),
            random.u8(..),
            random.u32(..),
        )),
        attributes: vec![
            attribute("code.file.path", text("/srv/shop/checkout/views.py")),
            attribute("code.function.name", text("accept_order")),
            attribute("code.line.number", integer(i64::from(random.u8(..)))),
            attribute("order_id", text(format!("ord-{:08x}", random.u32(..)))),
            attribute("otelServiceName", text("checkout")),
        ],
        trace_id: id(random, 16),
        span_id: id(random, 8),
        flags: 3,
        ..LogRecord::default()
    }
}

/// The same with a longer text and seven attributes more.
fn long(random: &mut fastrand::Rng) -> LogRecord {
    let mut log = log(random);
    log.body = text(format!(
        "payment {:016x} of order {} was declined by the bank: insufficient funds; the order waits for another card until {} \
         and is cancelled then, when its items go back to the warehouse and its vouchers to the customer's account as they were; customer {} has been told, reply {:08x}",
        random.u64(..),
        random.u32(..),
        random.u32(..),
        random.u16(..),
        random.u32(..),
    ));
    log.attributes.extend([
        attribute("http.request.method", text("POST")),
        attribute(
            "url.path",
            text(format!("/orders/{}/payment", random.u32(..))),
        ),
        attribute("http.response.status_code", integer(402)),
        attribute(
            "user_agent.original",
            text("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126"),
        ),
        attribute(
            "client.address",
            text(format!("10.1.{}.{}", random.u8(..), random.u8(..))),
        ),
        attribute("thread.name", text(format!("worker-{}", random.u8(..)))),
        attribute("session.id", text(format!("{:032x}", random.u128(..)))),
    ]);
    log
}

/// Log records with 5 attributes.
pub(super) fn small(random: &mut fastrand::Rng, count: usize) -> ExportLogsServiceRequest {
    request((0..count).map(|_| log(random)).collect())
}

/// Log records with 12 attributes.
pub(super) fn large(random: &mut fastrand::Rng, count: usize) -> ExportLogsServiceRequest {
    request((0..count).map(|_| long(random)).collect())
}

fn request(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs {
        scope: scope("shop.checkout"),
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        resource: resource(),
        scope_logs,
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }
}
