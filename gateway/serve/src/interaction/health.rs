//! `GET /health`: the balance of messages, for monitors and scripts. Field names are a contract.

use crate::answer::Answer;
use crate::metrics::balanced;
use crate::source::Source;

pub(crate) fn answer(source: &dyn Source) -> Answer {
    let c = source.counts();
    let body = format!(
        r#"{{"received":{},"journalled":{},"answered":{},"final":{{"stored":{},"rejected":{},"held":{},"duplicate":{}}},"applied":{},"durable":{},"balanced":{}}}"#,
        c.received,
        c.journalled,
        c.answered,
        c.stored,
        c.rejected,
        c.held,
        c.duplicate,
        source.applied(),
        source.durable(),
        balanced(&c)
    );
    Answer::other("application/json", body.into_bytes())
}
