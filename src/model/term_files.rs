//! The large files of a model: its vocabularies, and the weights of their terms.

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::linear::LinearModel;
use super::manifest::PipelineSettings;
use super::second_stage::SecondStage;
use super::term_values::TermValues;
use crate::features::{FeatureUnion, NgramUnit, Vocabulary, VocabularyLimits};
use crate::text::{parse_symbols, readable};

/// What the names of the second stage's tensors begin with.
const SECOND_STAGE: &str = "second_stage.";

/// One term a line, a tab, its document frequency.
pub(super) fn vocabulary_file(vocabulary: &Vocabulary) -> Vec<u8> {
    vocabulary
        .terms()
        .flat_map(|(term, df)| format!("{}\t{df}\n", readable(term)).into_bytes())
        .collect()
}

/// The vocabulary in the text of such a file; otherwise what is wrong with it.
pub(super) fn parse_vocabulary(
    text: &str,
    unit: NgramUnit,
    limits: &VocabularyLimits,
) -> Result<Vocabulary, String> {
    let lines = text.lines().enumerate().map(|(index, line)| {
        line.split_once('\t')
            .and_then(|(term, df)| Some((parse_symbols(term), df.parse::<u32>().ok()?)))
            .ok_or_else(|| format!("line {}: expected `term<tab>document frequency`", index + 1))
    });
    let terms = lines.collect::<Result<Vec<_>, _>>()?;
    let terms = terms.iter().map(|(term, df)| (&**term, *df));
    Vocabulary::from_terms(terms, unit, limits.max_ngram, limits.max_skip)
        .map_err(|error| error.to_string())
}

/// The numbers of both stages as tensors.
pub(super) fn weights_file(
    linear: &LinearModel<f32>,
    second_stage: Option<&SecondStage>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let doubles = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let singles: Vec<u8> = linear.weights().iter().flat_map(|v| v.to_le_bytes()).collect();
    let classes = linear.classes();
    let mut numbers = vec![
        ("intercept".to_owned(), Dtype::F64, vec![classes], doubles(linear.intercept())),
        ("weights".to_owned(), Dtype::F32, vec![linear.terms(), classes], singles),
    ];
    if let Some(linear) = second_stage.map(SecondStage::linear) {
        let (intercept, weights) = (doubles(linear.intercept()), doubles(linear.weights()));
        let shape = vec![linear.terms(), classes];
        numbers.push((format!("{SECOND_STAGE}intercept"), Dtype::F64, vec![classes], intercept));
        numbers.push((format!("{SECOND_STAGE}weights"), Dtype::F64, shape, weights));
    }
    let tensors = numbers
        .iter()
        .map(|(name, kind, shape, bytes)| Ok((name, TensorView::new(*kind, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    serialize(tensors, None)
}

/// The numbers of both stages in the bytes of such a file, for the terms of `vectorizer`; otherwise
/// what is wrong with them.
pub(super) fn parse_weights(
    bytes: &[u8],
    classes: usize,
    vectorizer: &FeatureUnion,
    pipeline: &PipelineSettings,
) -> Result<(LinearModel<f32>, Option<SecondStage>), String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let term = |row: usize| format!("term `{}`", readable(vectorizer.term(row as u32)));
    let linear =
        parse_linear(&tensors, "", (vectorizer.len(), classes), term)?.to_single_precision();
    if let Some((row, idf)) = TermValues::out_of_range(&linear, vectorizer.idf()) {
        return Err(format!(
            "the weights of {} times its inverse document frequency, {idf:e}, are out of range",
            term(row)
        ));
    }
    if !pipeline.second_stage {
        return Ok((linear, None));
    }
    let shape = (SecondStage::features_of(classes), classes);
    let pooled =
        parse_linear(&tensors, SECOND_STAGE, shape, |row| format!("pooled feature {row}"))?;
    Ok((linear, SecondStage::new(pooled)))
}

/// The linear model of shape (`rows`, `classes`) in the tensors whose names begin with `prefix`;
/// `name` names a row.
fn parse_linear(
    tensors: &SafeTensors<'_>,
    prefix: &str,
    (rows, classes): (usize, usize),
    name: impl Fn(usize) -> String,
) -> Result<LinearModel, String> {
    let read = |tensor: &str, shape: &[usize]| {
        let name = format!("{prefix}{tensor}");
        let tensor = tensors.tensor(&name).map_err(|error| format!("tensor `{name}`: {error}"))?;
        let found = (tensor.dtype(), tensor.shape());
        let bytes = tensor.data();
        match found {
            (Dtype::F64, found) if found == shape => {
                let (values, _) = bytes.as_chunks();
                Ok(values.iter().map(|value| f64::from_le_bytes(*value)).collect::<Vec<f64>>())
            }
            (Dtype::F32, found) if found == shape => {
                let (values, _) = bytes.as_chunks();
                Ok(values.iter().map(|value| f64::from(f32::from_le_bytes(*value))).collect())
            }
            (kind, found) => Err(format!(
                "expected tensor `{name}` of F32 or F64 {shape:?} (terms of the vocabulary, \
                 labels of the manifest), found {kind:?} {found:?}"
            )),
        }
    };
    let weights = read("weights", &[rows, classes])?;
    let intercept = read("intercept", &[classes])?;
    if let Some(position) = weights.iter().position(|weight| !(*weight as f32).is_finite()) {
        return Err(format!(
            "the weight of {} for class {} is {}",
            name(position / classes),
            position % classes,
            weights[position]
        ));
    }
    if let Some(class) = intercept.iter().position(|value| !value.is_finite()) {
        return Err(format!("the intercept of class {class} is {}", intercept[class]));
    }
    LinearModel::new(weights, intercept).ok_or_else(|| "the sizes do not agree".to_owned())
}
