//! The tables of a request: which rows there are, where each is in OTLP's tree, and how to take one out.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};

use super::row::Row;
use crate::{Signal, Table, testing::Request};

/// A row of a table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its index in each list on the way down: resource, scope, record, event. Its parent's is the beginning of it.
    pub(super) address: Vec<usize>,
    /// Whether this `process` dropped it.
    pub(super) dropped: bool,
}

/// The rows of every table, in the order of the wire.
pub(super) type Tables = BTreeMap<Table, Vec<Entry>>;

/// How deep in the tree a table is, if the signal has it.
pub(super) fn depth(signal: Signal, table: Table) -> Option<usize> {
    match (signal, table) {
        (_, Table::Resource) => Some(1),
        (_, Table::Scope) => Some(2),
        (Signal::Metrics, Table::Metric) | (Signal::Traces | Signal::Logs, Table::Record) => {
            Some(3)
        }
        (Signal::Metrics, Table::Record) | (Signal::Traces, Table::Event | Table::Link) => Some(4),
        (Signal::Metrics, Table::Exemplar) => Some(5),
        _ => None,
    }
}

/// Whether `above` is above `table` in any signal.
pub(super) fn is_above(above: Table, table: Table) -> bool {
    let level = |table| match table {
        Table::Resource => 1,
        Table::Scope => 2,
        Table::Metric => 3,
        Table::Record => 4,
        Table::Event | Table::Link | Table::Exemplar => 5,
    };
    level(above) < level(table)
}

/// The table that holds the rows of this one.
pub(super) fn parent(signal: Signal, table: Table) -> Option<Table> {
    match table {
        Table::Resource => None,
        Table::Scope => Some(Table::Resource),
        Table::Record if signal == Signal::Metrics => Some(Table::Metric),
        Table::Metric | Table::Record => Some(Table::Scope),
        Table::Event | Table::Link | Table::Exemplar => Some(Table::Record),
    }
}

/// Finds the rows of a request.
pub(super) fn find(request: &mut Request) -> Tables {
    let signal = request.signal();
    let mut tables: Tables = Table::ALL
        .iter()
        .map(|table| (*table, Vec::new()))
        .collect();
    let mut below = vec![Vec::new()];
    for level in 1..=5 {
        let mut here = Vec::new();
        for table in Table::ALL
            .iter()
            .filter(|table| depth(signal, **table) == Some(level))
        {
            for above in &below {
                for index in 0..children(request, *table, above) {
                    let address = [above.as_slice(), &[index]].concat();
                    here.push(address.clone());
                    let entry = Entry {
                        address,
                        dropped: false,
                    };
                    tables.entry(*table).or_default().push(entry);
                }
            }
        }
        below = here;
    }
    tables
}

/// Does the same to the list that holds a row, whatever is in it.
macro_rules! in_list {
    ($request:expr, $table:expr, $above:expr, $list:ident => $do:expr) => {
        match ($request, $above) {
            (Request::Traces(request), []) => {
                let $list = &mut request.resource_spans;
                $do
            }
            (Request::Metrics(request), []) => {
                let $list = &mut request.resource_metrics;
                $do
            }
            (Request::Logs(request), []) => {
                let $list = &mut request.resource_logs;
                $do
            }
            (Request::Traces(request), [r]) => {
                let $list = &mut request.resource_spans[*r].scope_spans;
                $do
            }
            (Request::Metrics(request), [r]) => {
                let $list = &mut request.resource_metrics[*r].scope_metrics;
                $do
            }
            (Request::Logs(request), [r]) => {
                let $list = &mut request.resource_logs[*r].scope_logs;
                $do
            }
            (Request::Traces(request), [r, s]) => {
                let $list = &mut request.resource_spans[*r].scope_spans[*s].spans;
                $do
            }
            (Request::Metrics(request), [r, s]) => {
                let $list = &mut request.resource_metrics[*r].scope_metrics[*s].metrics;
                $do
            }
            (Request::Logs(request), [r, s]) => {
                let $list = &mut request.resource_logs[*r].scope_logs[*s].log_records;
                $do
            }
            (Request::Traces(request), [r, s, k]) => {
                let span = &mut request.resource_spans[*r].scope_spans[*s].spans[*k];
                if $table == Table::Event {
                    let $list = &mut span.events;
                    $do
                } else {
                    let $list = &mut span.links;
                    $do
                }
            }
            (Request::Metrics(request), [r, s, m]) => {
                match &mut request.resource_metrics[*r].scope_metrics[*s].metrics[*m].data {
                    Some(Data::Gauge(data)) => {
                        let $list = &mut data.data_points;
                        $do
                    }
                    Some(Data::Sum(data)) => {
                        let $list = &mut data.data_points;
                        $do
                    }
                    Some(Data::Histogram(data)) => {
                        let $list = &mut data.data_points;
                        $do
                    }
                    Some(Data::ExponentialHistogram(data)) => {
                        let $list = &mut data.data_points;
                        $do
                    }
                    Some(Data::Summary(data)) => {
                        let $list = &mut data.data_points;
                        $do
                    }
                    None => Default::default(),
                }
            }
            (Request::Metrics(request), [r, s, m, p]) => {
                match point(
                    &mut request.resource_metrics[*r].scope_metrics[*s].metrics[*m],
                    *p,
                ) {
                    Row::Number(point) => {
                        let $list = &mut point.exemplars;
                        $do
                    }
                    Row::Histogram(point) => {
                        let $list = &mut point.exemplars;
                        $do
                    }
                    Row::Exponential(point) => {
                        let $list = &mut point.exemplars;
                        $do
                    }
                    _ => Default::default(),
                }
            }
            _ => Default::default(),
        }
    };
}

/// The number of rows of `table` in the row above.
fn children(request: &mut Request, table: Table, above: &[usize]) -> usize {
    in_list!(request, table, above, list => list.len())
}

/// Takes a row out of the list that holds it.
pub(super) fn remove(request: &mut Request, table: Table, address: &[usize]) {
    if let Some((index, above)) = address.split_last() {
        in_list!(request, table, above, list => drop(list.remove(*index)));
    }
}

/// A data point of a metric.
fn point(metric: &mut Metric, index: usize) -> Row<'_> {
    match metric.data.as_mut().expect("a metric with points has data") {
        Data::Gauge(data) => Row::Number(&mut data.data_points[index]),
        Data::Sum(data) => Row::Number(&mut data.data_points[index]),
        Data::Histogram(data) => Row::Histogram(&mut data.data_points[index]),
        Data::ExponentialHistogram(data) => Row::Exponential(&mut data.data_points[index]),
        Data::Summary(data) => Row::Summary(&mut data.data_points[index]),
    }
}

/// A row of the request.
pub(super) fn row<'a>(request: &'a mut Request, table: Table, address: &[usize]) -> Row<'a> {
    macro_rules! resource {
        ($row:expr) => {{
            let row = $row;
            Row::Resource {
                resource: &mut row.resource,
                schema_url: &mut row.schema_url,
            }
        }};
    }
    macro_rules! scope {
        ($row:expr) => {{
            let row = $row;
            Row::Scope {
                scope: &mut row.scope,
                schema_url: &mut row.schema_url,
            }
        }};
    }
    match (request, address) {
        (Request::Traces(request), [r]) => resource!(&mut request.resource_spans[*r]),
        (Request::Metrics(request), [r]) => resource!(&mut request.resource_metrics[*r]),
        (Request::Logs(request), [r]) => resource!(&mut request.resource_logs[*r]),
        (Request::Traces(request), [r, s]) => {
            scope!(&mut request.resource_spans[*r].scope_spans[*s])
        }
        (Request::Metrics(request), [r, s]) => {
            scope!(&mut request.resource_metrics[*r].scope_metrics[*s])
        }
        (Request::Logs(request), [r, s]) => scope!(&mut request.resource_logs[*r].scope_logs[*s]),
        (Request::Logs(request), [r, s, k]) => {
            Row::Log(&mut request.resource_logs[*r].scope_logs[*s].log_records[*k])
        }
        (Request::Traces(request), [r, s, k, rest @ ..]) => {
            let span = &mut request.resource_spans[*r].scope_spans[*s].spans[*k];
            match rest {
                [] => Row::Span(span),
                [index, ..] if table == Table::Event => Row::Event(&mut span.events[*index]),
                [index, ..] => Row::Link(&mut span.links[*index]),
            }
        }
        (Request::Metrics(request), [r, s, m, rest @ ..]) => {
            let metric = &mut request.resource_metrics[*r].scope_metrics[*s].metrics[*m];
            match rest {
                [] => Row::Metric(metric),
                [index] => point(metric, *index),
                [index, exemplar, ..] => match point(metric, *index) {
                    Row::Number(point) => Row::Exemplar(&mut point.exemplars[*exemplar]),
                    Row::Histogram(point) => Row::Exemplar(&mut point.exemplars[*exemplar]),
                    Row::Exponential(point) => Row::Exemplar(&mut point.exemplars[*exemplar]),
                    _ => unreachable!("summaries have no exemplars"),
                },
            }
        }
        _ => unreachable!("addresses come from `find`"),
    }
}
