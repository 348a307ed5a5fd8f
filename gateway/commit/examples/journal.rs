//! What the journal costs on this machine: CPU an entry by thread, entries a second and flushes by how many wait at
//! once, bytes an entry when sealed. `cargo run --release -p hutong-commit --example journal -- [DIR] [ENTRIES]`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use hutong_commit::entry::{Draft, Entry, EntryKind, Final, ResourceDraft, Update};
use hutong_commit::store::{JournalOptions, Projection, ProjectionError, Store};

/// A projection that does nothing, to see the journal alone.
struct Nothing(u64);

impl Projection for Nothing {
    fn applied(&self) -> u64 {
        self.0
    }

    fn apply(&mut self, batch: &[Arc<Entry>]) -> Result<(), ProjectionError> {
        self.0 += batch.len() as u64;
        Ok(())
    }

    fn reset(&mut self) -> Result<(), ProjectionError> {
        self.0 = 0;
        Ok(())
    }
}

/// A count of entries under way that can be waited for.
#[derive(Default)]
struct Gate(Mutex<usize>, Condvar);

fn hash(number: u64) -> [u8; 32] {
    hutong_audit::digest(&number.to_le_bytes())
}

fn hex(number: u64) -> String {
    hash(number).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A result with `observations` observations: a report, an order, a specimen and a patient come with it.
fn draft(number: u64, observations: u64) -> Draft {
    let mix = |salt: u64| u64::from_le_bytes(hash(number * 64 + salt)[..8].try_into().unwrap());
    let patient = hex(mix(1) % 20_000);
    let order = hex(number.wrapping_mul(7) + 1);
    let when = format!("2026-{:02}-{:02}T{:02}:{:02}:{:02}+08:00", 1 + mix(2) % 12, 1 + mix(3) % 28, mix(4) % 24, mix(5) % 60, mix(6) % 60);
    let names = ["张伟", "王秀英", "李敏", "刘静", "陈杰", "杨洋", "赵磊", "黄丽华"];
    let name = names[(mix(7) % 8) as usize];
    let mut raw = format!(
        "MSH|^~\\&|LIS|县人民医院|HUTONG|HUB|{number:014}||ORU^R01^ORU_R01|L{number:09}|P|2.5.1|||AL|NE|CHN|UNICODE UTF-8\rPID|1||{patient}^^^HIS^MR||{name}||19{:02}0{}1{}|M|||某某镇幸福路{}号||139{:08}\rOBR|1|{order}|{:09}|CBC^血常规^L|||{when}\r",
        mix(8) % 90 + 10,
        mix(9) % 9 + 1,
        mix(10) % 9,
        mix(11) % 300,
        mix(12) % 100_000_000,
        mix(13) % 1_000_000_000
    );
    let mut resources = Vec::new();
    let mut push = |kind: &str, id: &str, body: String| {
        resources.push(ResourceDraft {
            resource_type: kind.into(),
            id: id.into(),
            body: body.into_bytes(),
            update: Update::Replace,
            clear: Vec::new(),
            event_us: 1_780_000_000_000_000,
        });
    };
    push(
        "Patient",
        &patient,
        format!(
            r#"{{"resourceType":"Patient","id":"{patient}","meta":{{"profile":["http://hutong.example/StructureDefinition/patient"]}},"identifier":[{{"system":"urn:oid:2.16.156.1.1.1","value":"{patient}"}},{{"type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}}]}},"value":"{:010}"}}],"name":[{{"text":"{name}"}}],"gender":"male","birthDate":"19{:02}-0{}-1{}","telecom":[{{"system":"phone","value":"139{:08}"}}],"address":[{{"text":"某某镇幸福路{}号"}}]}}"#,
            mix(14) % 10_000_000_000,
            mix(8) % 90 + 10,
            mix(9) % 9 + 1,
            mix(10) % 9,
            mix(12) % 100_000_000,
            mix(11) % 300
        ),
    );
    push(
        "ServiceRequest",
        &order,
        format!(
            r#"{{"resourceType":"ServiceRequest","id":"{order}","status":"completed","intent":"order","identifier":[{{"type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}}]}},"value":"{order}"}}],"code":{{"coding":[{{"system":"urn:hutong:stzx:items","code":"CBC","display":"血常规"}}],"text":"血常规"}},"subject":{{"reference":"Patient/{patient}"}},"authoredOn":"{when}"}}"#
        ),
    );
    let codes = [
        "WBC^白细胞",
        "RBC^红细胞",
        "HGB^血红蛋白",
        "PLT^血小板",
        "NEUT^中性粒细胞",
        "LYMPH^淋巴细胞",
        "MONO^单核细胞",
        "EO^嗜酸性粒细胞",
        "BASO^嗜碱性粒细胞",
        "HCT^红细胞压积",
    ];
    let mut results = Vec::new();
    for index in 0..observations {
        let id = hex(number * 100 + index + 50_000_000_000);
        let (code, display) = codes[(index % 10) as usize].split_once('^').unwrap();
        let value = format!("{}.{}", mix(20 + index) % 40, mix(40 + index) % 100);
        raw.push_str(&format!("OBX|{}|NM|{code}^{display}^L||{value}|10*9/L|3.5-9.5|N|||F|||{when}\r", index + 1));
        push(
            "Observation",
            &id,
            format!(
                r#"{{"resourceType":"Observation","id":"{id}","meta":{{"profile":["http://hutong.example/StructureDefinition/observation-lab"]}},"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"urn:hutong:stzx:items","code":"{code}","display":"{display}"}}],"text":"{display}"}},"subject":{{"reference":"Patient/{patient}"}},"basedOn":[{{"reference":"ServiceRequest/{order}"}}],"effectiveDateTime":"{when}","valueQuantity":{{"value":{value},"unit":"10*9/L","system":"http://unitsofmeasure.org","code":"10*9/L"}},"interpretation":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N"}}]}}],"referenceRange":[{{"low":{{"value":3.5}},"high":{{"value":9.5}},"text":"3.5-9.5"}}]}}"#
            ),
        );
        results.push(format!(r#"{{"reference":"Observation/{id}"}}"#));
    }
    let report = hex(number.wrapping_mul(11) + 3);
    push(
        "DiagnosticReport",
        &report,
        format!(
            r#"{{"resourceType":"DiagnosticReport","id":"{report}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}}]}}],"code":{{"text":"血常规"}},"subject":{{"reference":"Patient/{patient}"}},"basedOn":[{{"reference":"ServiceRequest/{order}"}}],"effectiveDateTime":"{when}","issued":"{when}","result":[{}]}}"#,
            results.join(",")
        ),
    );
    Draft {
        kind: EntryKind::Message,
        receipt: format!("{:016x}", mix(15)),
        received_us: 1_780_000_000_000_000 + (number * 997) as i64,
        source: "stzx-lis".into(),
        protocol: "mllp",
        control_id: format!("L{number:09}"),
        content_hash: hutong_audit::digest(raw.as_bytes()),
        message_type: "ORU^R01^ORU_R01".into(),
        outcome: Final::Stored,
        answer: format!("MSH|^~\\&|HUTONG|HUB|LIS|县人民医院|{number:014}||ACK^R01^ACK|A{number:09}|P|2.5.1\rMSA|AA|L{number:09}\r")
            .into_bytes(),
        findings: br#"[{"severity":"information","rule":"map.unread","location":"PV1-45"}]"#.to_vec(),
        raw: raw.into_bytes(),
        resources,
        events: Vec::new(),
        plan_hash: [7; 32],
        conflict: None,
    }
}

/// Nanoseconds of CPU by thread name.
fn cpu() -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let spent = read("schedstat").split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
        *times.entry(read("comm").trim().to_owned()).or_insert(0) += spent;
    }
    times
}

/// Flushes a second of a pre-zeroed file, one block each.
fn fsyncs(dir: &Path) -> f64 {
    let path = dir.join("fsync.probe");
    let file = fs::File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap();
    file.write_all_at(&vec![0; 4 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_millis(300) {
        file.write_all_at(&[1; 4096], count % 1024 * 4096).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    fs::remove_file(path).unwrap();
    count as f64 / start.elapsed().as_secs_f64()
}

/// Nanoseconds of CPU of this thread.
fn own() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn run(dir: &Path, in_flight: usize, count: usize) {
    let _ = fs::remove_dir_all(dir.join("store"));
    let flushes_possible = fsyncs(dir);
    let options = JournalOptions { lag_max: u64::MAX, reserve_bytes: 0, ..JournalOptions::default() };
    let store = Store::open_with(&dir.join("store"), options, |_| Ok(Nothing(0))).unwrap();
    // Let the next segment be made before the clock starts.
    std::thread::sleep(Duration::from_millis(700));
    let latencies = Arc::new(Mutex::new(Vec::with_capacity(count)));
    let gate = Arc::new(Gate::default());
    let clock: i64 = (0..1_000).map(|_| own() - own()).sum::<i64>() / -1_000;
    let mut submit = 0;
    let (before, flushes, start) = (cpu(), store.flushes(), Instant::now());
    for number in 0..count {
        // About 6 kB, warm as the stages before leave it.
        let draft = draft(number as u64, 4);
        let mut under_way = gate.1.wait_while(gate.0.lock().unwrap(), |under_way| *under_way >= in_flight).unwrap();
        *under_way += 1;
        drop(under_way);
        let (gate, latencies, sent) = (Arc::clone(&gate), Arc::clone(&latencies), Instant::now());
        let begun = own();
        store.submit(draft, move |result| {
            assert!(result.is_ok());
            latencies.lock().unwrap().push(sent.elapsed());
            *gate.0.lock().unwrap() -= 1;
            gate.1.notify_one();
        });
        submit += own() - begun - clock;
    }
    drop(gate.1.wait_while(gate.0.lock().unwrap(), |under_way| *under_way > 0).unwrap());
    let (elapsed, after) = (start.elapsed(), cpu());
    let flushes = store.flushes() - flushes;
    let mut latencies = latencies.lock().unwrap().clone();
    latencies.sort_unstable();
    let spent = |name: &str| (after.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0)) as f64 / 1_000.0 / count as f64;
    println!(
        "in flight {in_flight:>4}: {:>7.0} entries/s, p50 {:>6.0} us, p99 {:>6.0} us; CPU us an entry: submit {:.1} + writer {:.1}, sealer {:.1}, feed {:.1}; {:.1} entries a flush, {} flushes of {:.0}/s possible",
        count as f64 / elapsed.as_secs_f64(),
        latencies[count / 2].as_secs_f64() * 1e6,
        latencies[count * 99 / 100].as_secs_f64() * 1e6,
        submit as f64 / 1_000.0 / count as f64,
        spent("journal-writer"),
        spent("journal-sealer"),
        spent("projection"),
        count as f64 / flushes as f64,
        flushes,
        flushes_possible,
    );
}

/// How long opening takes when nearly a whole segment is to be read.
fn open(dir: &Path) {
    let options = JournalOptions { lag_max: u64::MAX, reserve_bytes: 0, ..JournalOptions::default() };
    let _ = fs::remove_dir_all(dir.join("store"));
    let store = Store::open_with(&dir.join("store"), options, |_| Ok(Nothing(0))).unwrap();
    // The first segment is small and sealed; the second is filled as far as it goes.
    for number in 0..10_000 {
        store.submit(draft(number, 4), |_| ());
    }
    store.wait_applied(10_000, Duration::from_secs(10));
    drop(store);
    let start = Instant::now();
    let store = Store::open_with(&dir.join("store"), options, |_| Ok(Nothing(0))).unwrap();
    println!("open: {:.1} ms, {} entries of {} read", start.elapsed().as_secs_f64() * 1e3, store.recovery().scanned, store.recovery().last);
}

fn sealed(dir: &Path, count: u64) {
    let _ = fs::remove_dir_all(dir.join("store"));
    let options = JournalOptions { lag_max: u64::MAX, reserve_bytes: 0, segment_bytes: 16 << 20, ..JournalOptions::default() };
    let store = Store::open_with(&dir.join("store"), options, |_| Ok(Nothing(0))).unwrap();
    let mut raw = 0;
    let before = cpu();
    for number in 0..count {
        let draft = draft(number, 7);
        raw += draft.raw.len() + draft.resources.iter().map(|resource| resource.body.len()).sum::<usize>();
        store.submit(draft, |_| ());
        if number % 256 == 0 {
            store.wait_applied(number.saturating_sub(1_000), Duration::from_secs(10));
        }
    }
    store.wait_applied(count, Duration::from_secs(30));
    let sizes = || {
        let files = fs::read_dir(dir.join("store/journal")).unwrap().flatten();
        files
            .filter(|file| file.file_name().to_string_lossy().ends_with(".sealed"))
            .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
            .collect::<BTreeMap<_, _>>()
    };
    let mut held = sizes();
    loop {
        std::thread::sleep(Duration::from_millis(1_500));
        let now = sizes();
        if now == held {
            break;
        }
        held = now;
    }
    let seal = (cpu()["journal-sealer"] - before.get("journal-sealer").unwrap_or(&0)) as f64 / 1_000.0;
    let bytes: u64 = held.values().sum();
    // The open segment starts behind the last sealed entry.
    let last = held.keys().next_back().unwrap()[11..27].parse::<u64>().unwrap();
    let entries = last - 1;
    let without_last: u64 = bytes - held.values().next_back().unwrap();
    println!(
        "sealed: {:.0} bytes an entry of {:.0}, {:.1} us of CPU each ({entries} entries, {} files)",
        without_last as f64 / entries as f64,
        raw as f64 / count as f64,
        seal / entries as f64,
        held.len()
    );
    let reader = store.reader();
    let (start, spent) = (Instant::now(), cpu()["journal"]);
    let reads = 20_000;
    for index in 0..reads {
        let seq = 1 + u64::from_le_bytes(hash(index)[..8].try_into().unwrap()) % entries;
        assert_eq!(reader.body(seq, 400, 800).unwrap().len(), 800);
    }
    println!(
        "random read of a sealed body: {:.1} us, {:.1} us of CPU",
        start.elapsed().as_secs_f64() * 1e6 / reads as f64,
        (cpu()["journal"] - spent) as f64 / 1_000.0 / reads as f64
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "journal-bench".into()));
    let count: usize = arguments.next().map_or(20_000, |count| count.parse().unwrap());
    fs::create_dir_all(&dir).unwrap();
    for in_flight in [1, 32, 64, 1_024] {
        let number = if in_flight == 1 { count / 8 } else { count };
        run(&dir, in_flight, number);
    }
    open(&dir);
    sealed(&dir, count as u64 * 2);
    fs::remove_dir_all(&dir).unwrap();
}
