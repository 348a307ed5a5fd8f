//! What centres, modalities and institutions are called.

use hutong_count::cases::{Centre, Modality};
use hutong_count::period::Period;
use hutong_identify::registry::Registry;
use hutong_paper::Text;

use crate::ingest::now_us;

/// Codes of centres, as the ledger writes them, in the order of reports.
pub(crate) const CENTRES: [&str; 4] = ["imaging", "tracing", "laboratory", "pathology"];

/// The centre that reports a modality.
pub(crate) fn centre_code(modality: Modality) -> &'static str {
    match modality.centre() {
        Centre::Imaging => "imaging",
        Centre::Tracing => "tracing",
        Centre::Laboratory => "laboratory",
        Centre::Pathology => "pathology",
        Centre::None => "none",
    }
}

pub(crate) fn centre(code: &str) -> Text {
    match code {
        "imaging" => Text::new("影像诊断中心", "Imaging"),
        "tracing" => Text::new("心电诊断中心", "ECG, EMG, EEG"),
        "laboratory" => Text::new("检验中心", "Laboratory"),
        "pathology" => Text::new("病理诊断中心", "Pathology"),
        _ => Text::new("未归类", "no centre"),
    }
}

pub(crate) fn modality(modality: Modality) -> Text {
    use Modality::*;
    match modality {
        Xr => Text::new("X线（CR/DR）", "X-ray"),
        Ct => Text::new("CT", "CT"),
        Mr => Text::new("磁共振", "MR"),
        Mg => Text::new("乳腺X线", "mammography"),
        Us => Text::new("超声", "ultrasound"),
        Nm => Text::new("核医学", "nuclear medicine"),
        Ecg => Text::new("心电图", "ECG"),
        Emg => Text::new("肌电图", "EMG"),
        Eeg => Text::new("脑电图", "EEG"),
        Lab => Text::new("检验", "laboratory"),
        Path => Text::new("病理", "pathology"),
        Other => Text::new("其他", "other"),
        Unknown => Text::new("未注明", "not said"),
    }
}

/// An institution as it was called at the end of a period; its code where the registry does not hold it.
pub(crate) fn institution(registry: &Registry, code: &str, period: Period) -> Text {
    if code.is_empty() {
        return Text::new("未注明", "not said");
    }
    let end_us = period.moments().1.saturating_sub(1);
    registry.institution(code, end_us.min(now_us())).map_or_else(|| Text::same(code.to_owned()), |i| Text::same(i.name.clone()))
}
