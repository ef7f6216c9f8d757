"""The clinical stories: one a file, and the table of them by name."""

from app.demo.stories import (
    asthma,
    breast_cancer,
    checkup,
    dementia,
    depression,
    diabetes,
    hip_fracture,
    hypertension,
    infant,
    pneumonia,
    pregnancy,
    stroke,
)
from app.demo.story import Story

STORIES: dict[str, Story] = {
    module.STORY.name: module.STORY
    for module in (
        asthma,
        breast_cancer,
        checkup,
        dementia,
        depression,
        diabetes,
        hip_fracture,
        hypertension,
        infant,
        pneumonia,
        pregnancy,
        stroke,
    )
}
