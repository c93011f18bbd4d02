//! The parts of the road, one by one: `cargo bench --bench parts`.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use linfa::dataset::DatasetBase;
use ndarray::Array1;
use postloan::features::{
    DocumentFrequencyBound, FeatureSettings, FeatureUnion, TermFrequency, ViewSettings,
    VocabularyLimits,
};
use postloan::model::{LabelSet, ModelBundle, RiskClassifier, Scorer, ScorerBuffers};
use postloan::records::{FieldNames, InputOptions, ReviewCollection};
use postloan::text::{
    AnalyzedText, Analyzer, NormalizedText, Segmenter, StopWords, TextSettings, UserDictionary,
};
use postloan::training::{SolverSettings, make_solver};

const MODEL: &str = "models/post-loan-risk";

fn corpus() -> (Vec<String>, Vec<usize>) {
    let fields = FieldNames {
        id: None,
        text: "text".to_owned(),
        required: vec!["label".to_owned()],
        optional: Vec::new(),
    };
    let labels = LabelSet::post_loan();
    let reviews = ReviewCollection::read(
        &[PathBuf::from("data/reviews.jsonl")],
        &InputOptions::default(),
        &fields,
    )
    .unwrap_or_else(|error| panic!("{error}"))
    .reviews;
    let classes = reviews
        .iter()
        .map(|review| labels.class_of(&review.required[0]).unwrap_or_default())
        .collect();
    (reviews.into_iter().map(|review| review.text).collect(), classes)
}

fn analyzer() -> Analyzer {
    let dictionary = UserDictionary::banking().unwrap_or_else(|error| panic!("{error}"));
    Analyzer::new(Segmenter::new(&dictionary), StopWords::default(), TextSettings::FULL)
}

/// What happens to each comment, measured over 1,000 of them.
fn classification(criterion: &mut Criterion) {
    let (texts, _) = corpus();
    let texts = &texts[..1000];
    let classifier = RiskClassifier::open(MODEL).unwrap_or_else(|error| panic!("{error}"));
    let version = PathBuf::from(MODEL).join("1");
    let bundle = ModelBundle::read(&version).unwrap_or_else(|error| panic!("{error}"));
    let scorer = Scorer::new(bundle.vectorizer, &bundle.linear, bundle.second_stage);
    let analyzer = analyzer();

    let mut group = criterion.benchmark_group("1,000 comments");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("normalise", |bencher| {
        let mut normalized = NormalizedText::default();
        bencher.iter(|| texts.iter().for_each(|text| normalized.assign(black_box(text))));
    });
    group.bench_function("normalise and segment", |bencher| {
        let mut analyzed = AnalyzedText::default();
        bencher.iter(|| texts.iter().for_each(|text| analyzer.analyze(text, &mut analyzed)));
    });
    group.bench_function("vectorise and score terms", |bencher| {
        let analyzed: Vec<AnalyzedText> =
            texts.iter().map(|text| analyzer.analyzed(text)).collect();
        let mut buffers = ScorerBuffers::default();
        bencher.iter(|| {
            for analyzed in &analyzed {
                scorer.score(analyzed, &mut buffers);
                black_box(buffers.scores());
            }
        });
    });
    group.bench_function("classify", |bencher| {
        let mut worker = classifier.worker();
        bencher.iter(|| texts.iter().for_each(|text| drop(black_box(worker.classify(text)))));
    });
    group.bench_function("explain", |bencher| {
        let mut worker = classifier.worker();
        bencher.iter(|| texts.iter().for_each(|text| drop(black_box(worker.explain(text)))));
    });
    group.finish();
}

/// What happens once: loading, and training on the whole corpus.
fn once(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("once");
    group.sample_size(10);
    group.bench_function("load jieba", |bencher| bencher.iter(Segmenter::with_general_words));
    group.bench_function("open the shipped model", |bencher| {
        bencher.iter(|| RiskClassifier::open(MODEL));
    });

    let (texts, classes) = corpus();
    let analyzer = analyzer();
    let comments: Vec<AnalyzedText> = texts.iter().map(|text| analyzer.analyzed(text)).collect();
    let view = |max_ngram, max_skip, min_df| ViewSettings {
        vocabulary: VocabularyLimits {
            max_ngram,
            max_skip,
            min_df: DocumentFrequencyBound::Documents(min_df),
            max_df: DocumentFrequencyBound::Share(1.0),
            max_terms: None,
        },
        term_frequency: TermFrequency::Sublinear,
        idf_power: 2.5,
    };
    let settings = FeatureSettings { words: view(2, 2, 2), characters: Some(view(3, 0, 3)) };
    let comments: Vec<&AnalyzedText> = comments.iter().collect();
    let fit = || FeatureUnion::fit(&settings, &comments).unwrap_or_else(|error| panic!("{error}"));
    group.bench_function("count the vocabularies of the corpus", |bencher| bencher.iter(fit));
    let vectorizer = fit();
    let matrix = vectorizer.matrix(&comments);
    let dataset = DatasetBase::new(matrix, Array1::from(classes));
    let solver = make_solver(SolverSettings::default()).unwrap_or_else(|error| panic!("{error}"));
    group.bench_function("fit the corpus by the sparse solver", |bencher| {
        bencher.iter_batched(|| (), |()| solver.fit(&dataset, 3), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, classification, once);
criterion_main!(benches);
