//! The log records that a backend was sent.

use crate::backend::{Received, Request};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;

/// Every record, in the order of its arrival, with its resource.
pub fn records(received: &[Received]) -> Vec<(Resource, LogRecord)> {
    let mut records = vec![];
    for received in received {
        let Request::Logs(request) = &received.request else {
            continue;
        };
        for logs in &request.resource_logs {
            for record in logs.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                let resource = logs.resource.clone().unwrap_or_default();
                records.push((resource, record.clone()));
            }
        }
    }
    records
}

/// The body of a record that has a text as its body.
pub fn body(record: &LogRecord) -> Option<&str> {
    match record.body.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The bodies of all records.
pub fn bodies(received: &[Received]) -> Vec<String> {
    let body = |(_, record): &(Resource, LogRecord)| body(record).unwrap_or_default().to_owned();
    records(received).iter().map(body).collect()
}
