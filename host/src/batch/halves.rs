//! A batch in two by rows, and batches joined to one: for whoever has to find out which rows a plugin fails on.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{Batch, WireError, edits::Edits, schema::Table};

impl Batch {
    /// The first and the second half of its records, each with what is above them; none if there are fewer than two.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.records / 2;
        if middle == 0 {
            return None;
        }
        let first = self.keep(0..middle)?;
        Some([first, self.keep(middle..self.records)?])
    }

    fn keep(&self, rows: Range<u32>) -> Option<Self> {
        let mut mask = vec![0; (self.records as usize).div_ceil(8)];
        for row in rows {
            if let Some(byte) = mask.get_mut(row as usize / 8) {
                *byte |= 1 << (row % 8);
            }
        }
        let mut work = self.clone().begin(usize::MAX);
        work.retain(Table::Record.name(), &mask).ok()?;
        Some(work.commit())
    }

    /// The records that it still has, as they came; none if a plugin put another request in the place of that.
    pub fn as_it_came(&self) -> Option<Self> {
        let mut came = self.clone();
        came.edits = Arc::<Edits>::default();
        for table in [Table::Event, Table::Link, Table::Exemplar] {
            if let Some(live) = came.live.get_mut(table as usize) {
                *live = None;
            }
        }
        (!self.is_replaced).then_some(came)
    }

    /// One batch of all the records of these, in order, as they are; the first says whose it is.
    pub fn joined(parts: &[&Self]) -> Result<Self, WireError> {
        let Some(first) = parts.first() else {
            return Err(WireError("no parts".to_owned()));
        };
        let mut message = BytesMut::new();
        for part in parts {
            message.extend_from_slice(&part.splice(0));
        }
        let joined = Self::new(first.signal(), Bytes::from(message))?;
        Ok(Self {
            is_replaced: true,
            sender: first.sender,
            ..joined
        })
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use otlet_tests::sender::spans;
    use prost::Message;

    use super::super::{Column, Signal, Value};
    use super::*;

    fn batch(records: u64) -> Batch {
        let message = spans(0..records).encode_to_vec();
        Batch::new(Signal::Traces, message.into()).unwrap()
    }

    fn decoded(batch: &Batch) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(batch.splice(0).freeze()).unwrap()
    }

    #[test]
    fn halves_are_all_the_records_in_order() {
        let [first, second] = batch(5).halves().unwrap();
        assert_eq!(decoded(&first), spans(0..2));
        assert_eq!(decoded(&second), spans(2..5));
        let [second, third] = second.halves().unwrap();
        assert_eq!(decoded(&second), spans(2..3));
        assert_eq!(decoded(&third), spans(3..5));
        assert!(second.halves().is_none() && batch(0).halves().is_none());
    }

    #[test]
    fn what_is_joined_has_the_edits_of_its_parts() {
        let [first, second] = batch(4).from_sender(7).halves().unwrap();
        let name = Column::parse("span.name").unwrap();
        let mut work = first.begin(1 << 20);
        work.fill(&name, None, &Value::Text("edited".to_owned()))
            .unwrap();
        let first = work.commit();
        let joined = Batch::joined(&[&first, &second]).unwrap();
        assert_eq!((joined.records(), joined.sender()), (4, 7));
        assert!(!joined.is_untouched());
        let names = joined.clone().begin(1 << 20).texts(&name).unwrap();
        let names: Vec<_> = names.into_iter().flatten().collect();
        assert_eq!(names, ["edited", "edited", "GET /2", "GET /3"]);

        assert_eq!(decoded(&first.as_it_came().unwrap()), spans(0..2));
        assert!(
            joined.as_it_came().is_none(),
            "its bytes are not those that came"
        );
    }
}
