//! A county of as many cases as wanted, the same in every run: 36 township centres, two county hospitals and one of the city;
//! five years that end now; a resident for every ten cases. Of 100 cases 99 have an order and all a report; ten have a
//! study between, one is corrected, one is sent again.

use hutong_count::cases::{Event, Id, IdKind, Kind, Modality, Sighting, Status};
use hutong_fhir::calendar::DAY_US;

/// Five years.
const SPAN_US: i64 = 1_826 * DAY_US;
/// Reports come up to three hours after their orders, and corrections an hour after them; all lies behind us.
const LATEST_US: i64 = 5 * 3_600_000_000;

/// The institutions as rows of the registry's table, without its head.
pub(super) fn institutions() -> String {
    let township = |n: u64| format!("T{n},{n}号镇卫生院,500299,township,C220,QJYGT,,QJRMYY\n");
    let mut text: String = (0..36).map(township).collect();
    text += "H0,第一医院,500299,county,A100,QJYGT,,QJRMYY\nH1,第二医院,500299,county,A100,QJYGT,,QJRMYY\n";
    text + "M1,市级医院,500299,city,A100,QJYGT,,QJRMYY\n"
}

/// The reference to the Patient of a resident.
pub(super) fn resident(n: u64) -> String {
    format!("Patient/z{n}")
}

/// The events of the cases, one after the other, as the journal holds them.
pub(super) struct Cases {
    of: u64,
    residents: u64,
    /// Before the first case (µs since 1970).
    pub(super) begin_us: i64,
    random: u64,
}

impl Cases {
    pub(super) fn new(of: u64, residents: u64, now_us: i64) -> Cases {
        Cases { of, residents: residents.max(1), begin_us: now_us - LATEST_US - SPAN_US, random: 88_172_645_463_325_252 }
    }

    /// xorshift64*
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Case `n`: when its events were committed (µs since 1970), and what they say.
    pub(super) fn case(&mut self, n: u64, out: &mut Vec<(i64, Vec<u8>)>) {
        use Modality::{Ct, Ecg, Lab, Path, Us, Xr};
        let township = self.next() % 36;
        let exam = format!("T{township}");
        let read = if self.next().is_multiple_of(30) { "M1".to_owned() } else { format!("H{}", township % 2) };
        let modalities = [Xr, Xr, Ct, Us, Ecg, Ecg, Lab, Lab, Lab, Path];
        let modality = modalities.get((self.next() % 10) as usize).copied().unwrap_or_default();
        let begun = self.begin_us + (i128::from(SPAN_US) * i128::from(n) / i128::from(self.of.max(1))) as i64;
        let patient = resident(self.next() % self.residents);
        let (number, accession) = (Id::new(IdKind::Order, &exam, &format!("S{n}")), Id::new(IdKind::Accession, &exam, &format!("J{n}")));
        // a third of the systems know one number only
        let (ordered, told) = if self.next().is_multiple_of(3) { (accession, vec![accession]) } else { (number, vec![accession, number]) };
        let mut put = |at: i64, s: &Sighting| out.extend(serde_json::to_vec(&Event::Seen(s.clone())).map(|body| (at, body)));
        let luck = self.random % 100;
        if luck != 0 {
            let mut order = Sighting::new(Kind::Order, &exam, &format!("ServiceRequest/{n}"));
            (order.ids, order.patient, order.modality, order.ordered_us) = (vec![ordered], patient.clone(), modality, Some(begun));
            order.checkup = luck < 8;
            put(begun, &order);
        }
        if luck % 10 == 1 {
            let mut study = Sighting::new(Kind::Study, &exam, &format!("ImagingStudy/{n}"));
            (study.ids, study.modality, study.examined_us) = (told.clone(), modality, Some(begun + 600_000_000));
            put(begun + 600_000_000, &study);
        }
        let issued = begun + 1_800_000_000 + (self.random / 100 % 10_000_000_000).cast_signed();
        let mut report = Sighting::new(Kind::Report, &read, &format!("DiagnosticReport/{n}"));
        (report.ids, report.patient, report.modality, report.status) = (told, patient, modality, Status::Final);
        (report.exam, report.reported_us, report.readers) = (exam, Some(issued), vec!["PractitionerRole/8".to_owned()]);
        put(issued, &report);
        if luck == 50 {
            put(issued + 60_000_000, &report);
        }
        if luck == 51 {
            (report.status, report.reported_us) = (Status::Corrected, Some(issued + 3_600_000_000));
            put(issued + 3_600_000_000, &report);
        }
    }
}
