//! Requests are made with opentelemetry-proto's types, and what comes out is decoded with them.

mod alike;
mod edits;
mod hostile;
mod leaves;
mod misuse;
mod odd;
mod order;
mod reads;
mod split;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use otlet_tests::requests;
use prost::Message;

use super::{Batch, Column, Signal, Transaction};

const BUDGET: usize = 64 << 20;

fn batch(signal: Signal, request: &impl Message) -> Batch {
    Batch::new(signal, Bytes::from(request.encode_to_vec())).expect("a valid request")
}

fn column(path: &str) -> Column {
    Column::parse(path).expect("a known path")
}

fn decode<M: Message + Default>(batch: &Batch) -> M {
    let spliced = batch.splice(5);
    assert_eq!(&spliced[..5], &[0; 5]);
    M::decode(&spliced[5..]).expect("a valid request")
}

fn traces(batch: &Batch) -> ExportTraceServiceRequest {
    decode(batch)
}

fn metrics(batch: &Batch) -> ExportMetricsServiceRequest {
    decode(batch)
}

fn logs(batch: &Batch) -> ExportLogsServiceRequest {
    decode(batch)
}

/// Runs one plugin's edits.
fn edited(batch: Batch, edit: impl FnOnce(&mut Transaction)) -> Batch {
    let mut transaction = batch.begin(BUDGET);
    edit(&mut transaction);
    transaction.commit()
}
