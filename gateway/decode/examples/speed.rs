//! Measures decoding: `cargo run --release -p hutong-decode --example speed`. One laboratory result, 60 values read,
//! thread CPU time, best and median of several rounds.

// a developer's tool: it prints, and it may stop
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;

use hutong_decode::charset;
use hutong_decode::v2::{self, Buffers, Grammar, Limits, Message};
use rustix::time::{ClockId, clock_gettime};

const ORU: &str = "MSH|^~\\&|LIS|县人民医院^450001|GW|县域平台|20260131083000+0800||ORU^R01^ORU_R01|20260131000123|P|2.5.1|||AL|NE||UNICODE UTF-8\r\
PID|1||P0001234^^^HIS^MR~110101198001010017^^^GOV^NI||ZHANG^三||19800101|M|||解放路1号^^某县^某省^300000||13800000000||||||||||||\r\
PV1|1|O|检验科^^^450001||||D001^李^四|||LAB||||||||V0001|||||||||||||||||||||||||20260131080000\r\
ORC|RE|O1001^HIS|L2001^LIS||CM||||20260131082000|||D001^李^四\r\
OBR|1|O1001^HIS|L2001^LIS|LIVER^肝功能^L|||20260131081500||||||||S^血清|D001^李^四||||||20260131082900||LAB|F\r\
OBX|1|NM|ALT^丙氨酸氨基转移酶^L||35|U/L|9-50|N|||F|||20260131082500||T01^王五\r\
OBX|2|NM|AST^天门冬氨酸氨基转移酶^L||61|U/L|15-40|H|||F|||20260131082500||T01^王五\r\
OBX|3|NM|TBIL^总胆红素^L||12.4|umol/L|3.4-20.5|N|||F|||20260131082500||T01^王五\r\
OBX|4|NM|ALB^白蛋白^L||44.1|g/L|40-55|N|||F|||20260131082500||T01^王五\r\
OBX|5|ST|HBSAG^乙肝表面抗原^L||阴性||阴性|N|||F|||20260131082500||T01^王五\r\
NTE|1||标本轻度溶血\\F\\结果仅供参考\r\
OBX|6|NM|GGT^谷氨酰转移酶^L||28|U/L|10-60|N|||F|||20260131082500||T01^王五\r\
OBX|7|NM|ALP^碱性磷酸酶^L||80|U/L|45-125|N|||F|||20260131082500||T01^王五\r\
SPM|1|S9001^LIS||SER^血清|||||||||||||20260131081500|20260131082000\r";

/// 60 values, as a mapping reads them: by segment, field and component, with escapes resolved.
fn read(message: &Message<'_>) -> usize {
    let mut length = 0;
    let mut take = |segment: v2::SegmentRef<'_>, field: usize, component: usize| {
        length += segment.field(field).component(component).value().text().len()
    };
    for segment in message.iter() {
        match segment.name() {
            "MSH" => [3, 4, 7, 10].into_iter().for_each(|n| take(segment, n, 1)),
            "PID" => [(3, 1), (3, 4), (5, 1), (5, 2), (7, 1), (8, 1), (11, 1)].into_iter().for_each(|(n, c)| take(segment, n, c)),
            "PV1" => [2, 3, 7, 19].into_iter().for_each(|n| take(segment, n, 1)),
            "OBR" => [2, 3, 4, 7, 22].into_iter().for_each(|n| take(segment, n, 1)),
            "OBX" => [(3, 1), (3, 2), (5, 1), (6, 1), (7, 1)].into_iter().for_each(|(n, c)| take(segment, n, c)),
            "NTE" => take(segment, 3, 1),
            "SPM" => [2, 4, 17, 18].into_iter().for_each(|n| take(segment, n, 1)),
            _ => {}
        }
    }
    length
}

fn cpu_ns() -> i128 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

fn measure(name: &str, bytes: usize, mut run: impl FnMut()) {
    const TIMES: u32 = 20_000;
    let mut rounds = Vec::new();
    for _ in 0..11 {
        let start = cpu_ns();
        (0..TIMES).for_each(|_| run());
        rounds.push((cpu_ns() - start) as f64 / f64::from(TIMES));
    }
    rounds.sort_by(f64::total_cmp);
    let (best, median) = (rounds[0], rounds[rounds.len() / 2]);
    let speed = |ns: f64| bytes as f64 * 1_000.0 / ns;
    println!("{name:44} {:7.0} ns a message, {:5.0} MB/s (best {:5.0})", median, speed(median), speed(best));
}

fn main() {
    let limits = Limits::default();
    let start = cpu_ns();
    let grammar = Grammar::get();
    println!("grammar read in {:.2} ms", (cpu_ns() - start) as f64 / 1e6);
    let raw = ORU.as_bytes();
    let gbk = charset::encode(&ORU.replace("UNICODE UTF-8", "GB 18030-2000"), charset::Charset::Gb18030).into_owned();
    let mut reads = 0;
    {
        let message = v2::parse(ORU, &limits).message;
        for segment in message.iter() {
            reads += match segment.name() {
                "MSH" | "PV1" | "SPM" => 4,
                "PID" => 7,
                "OBR" | "OBX" => 5,
                "NTE" => 1,
                _ => 0,
            };
        }
    }
    println!("{} bytes, {reads} values", raw.len());
    let mut buffers = Buffers::default();
    let mut again = |text: &str, with: &mut dyn FnMut(&Message<'_>)| {
        let parsed = v2::parse_into(text, &limits, std::mem::take(&mut buffers));
        with(&parsed.message);
        buffers = parsed.message.into_buffers();
    };
    measure("index", raw.len(), || again(black_box(ORU), &mut |_| {}));
    measure("index, read the values", raw.len(), || again(black_box(ORU), &mut |m| _ = black_box(read(m))));
    measure("charset, split, index, read", raw.len(), || {
        let text = charset::decode(black_box(raw), None).ok().unwrap();
        for part in v2::split_batch(&text.text) {
            again(part.text, &mut |m| _ = black_box(read(m)));
        }
    });
    measure("the same from GB18030", gbk.len(), || {
        let text = charset::decode(black_box(&gbk), None).ok().unwrap();
        for part in v2::split_batch(&text.text) {
            again(part.text, &mut |m| _ = black_box(read(m)));
        }
    });
    measure("check the header", raw.len(), || again(ORU, &mut |m| drop(black_box(v2::check_header(m, grammar, Some(0))))));
    measure("index, arrange", raw.len(), || again(ORU, &mut |m| drop(black_box(v2::arrange(m, grammar)))));
}
