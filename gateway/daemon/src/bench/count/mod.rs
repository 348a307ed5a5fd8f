//! What counting costs, over a ledger of as many cases as wanted (`--cases`): a recount, a message on the projection's path,
//! how soon a figure is current, how long the dashboard takes.
//!
//! Cases of [`county`] are counted in this process from the events that the journal would hold, and handed to a gateway as
//! the ledger's snapshot; what is then sent and read goes over real connections.

mod county;
mod ledger;
mod pages;

use std::sync::atomic::{AtomicU64, Ordering};

use hutong_count::period::date_of;

use super::accept::{broke, config};
use super::child::Gateway;
use super::load::{self, Kind};
use super::{Plan, thread_ns};
use crate::cli::Failure;
use crate::demo::clients::{self, Mllp, code};
use crate::demo::day::WRITTEN;
use crate::demo::registries;
use crate::ingest::now_us;

/// Messages of a round on the projection's path.
const MESSAGES: u64 = 3_000;
const CONNECTIONS: usize = 8;
/// Registration, order and report, in turn.
const MIX: [Kind; 3] = [Kind::Adt, Kind::Ordered, Kind::ReadAbove];

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if !plan.wants("count.") {
        return Ok(());
    }
    let config = config(plan)?;
    let data = plan.dir.join("count");
    let next = AtomicU64::new(0);
    let registered = {
        let gateway = Gateway::start(&data, Some(&config))?;
        import(&gateway)?;
        let registered = gateway.health()["durable"].as_u64().unwrap_or(0);
        fill(&gateway, plan.rounds as u64 * MESSAGES / MIX.len() as u64, &next).map_err(broke)?;
        gateway.settle();
        registered
    };
    ledger::run(plan, &data, registered)?;
    pages::run(plan, &data, &config, &next)
}

/// The institutions of the demo's county, and of the county of the cases.
fn import(gateway: &Gateway) -> Result<(), Failure> {
    let text = registries::institutions() + &county::institutions();
    let body = serde_json::json!({ "table": "institutions", "version": "bench", "by": "bench", "text": text }).to_string();
    let (status, said) = clients::post(gateway.http, "/admin/import", &body).map_err(broke)?;
    if status != 200 {
        return Err(Failure::judged(format!("机构登记未导入：{said}"), format!("the institutions were not imported: {said}")));
    }
    Ok(())
}

/// Sends so many cases over several connections.
fn fill(gateway: &Gateway, cases: u64, next: &AtomicU64) -> std::io::Result<()> {
    std::thread::scope(|scope| {
        let send = || {
            let mut connection = Mllp::connect(gateway.mllp)?;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= cases {
                    return Ok(());
                }
                case(&mut connection, n)?;
            }
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(send)).collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into())))
    })
}

/// A message on this day.
fn message(kind: Kind, n: u64) -> Vec<u8> {
    let today = date_of(hutong_count::period::day_of(now_us())).replace('-', "");
    load::built(kind, n).told(|text| text.replace(WRITTEN, &today)).bytes()
}

/// A patient is registered, examined in a township and read above; waits for each answer.
fn case(connection: &mut Mllp, n: u64) -> std::io::Result<()> {
    MIX.into_iter().try_for_each(|kind| send(connection, kind, n))
}

fn send(connection: &mut Mllp, kind: Kind, n: u64) -> std::io::Result<()> {
    let answer = connection.send(&message(kind, n))?;
    if code(&answer) == "AA" { Ok(()) } else { Err(std::io::Error::other(String::from_utf8_lossy(&answer).into_owned())) }
}
