//! RECOVERY: how it goes back.

/// How RECOVERY goes back, numbered as the ABI numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(i32)]
pub enum RecoveryMode {
    /// Cancel where that is possible, else refused with the choice explained.
    #[default]
    Auto = 0,
    /// As if the upgrade had never been.
    Cancel = 1,
    /// The old files as they are; what happened in V2 is lost.
    DowngradeOld = 2,
    /// V2 tasks become V1 tasks, with what happened since.
    Downgrade = 3,
}

impl RecoveryMode {
    /// Every mode, by its number.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cancel, Self::DowngradeOld, Self::Downgrade];

    /// The word by which it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cancel => "cancel",
            Self::DowngradeOld => "downgrade_old",
            Self::Downgrade => "downgrade",
        }
    }

    /// The mode that a word asks for, exactly as spelt.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The mode of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| *mode as i32 == number)
    }
}
