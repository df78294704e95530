"""Writes test/fixtures/trainer/*.json: trainer_state.json as Hugging Face Trainer leaves it, of two tiny runs.

`finished.json`: 40 steps, loss logged every 5, evaluation (with a metric of our own) every 10.
`diverged.json`: the same with a learning rate at which the loss is no number any more.

Run: python test/reference/trainer-state.py   (transformers 5.23, torch 2.15, accelerate 1.15; CPU, seconds)
"""

import pathlib
import shutil
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "trainer"


class Rows(torch.utils.data.Dataset):
    def __init__(self, count, seed):
        start = torch.randint(0, 16, (count, 1), generator=torch.Generator().manual_seed(seed))
        self.ids = (start + torch.arange(8)) % 16

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "labels": self.ids[i]}


def state(name, learning_rate):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=16, n_positions=8, n_embd=16, n_layer=1, n_head=2))
    folder = tempfile.mkdtemp()
    arguments = TrainingArguments(
        output_dir=folder,
        max_steps=40,
        logging_steps=5,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=10,
        per_device_train_batch_size=8,
        learning_rate=learning_rate,
        max_grad_norm=0,
        lr_scheduler_type="constant",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        seed=0,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Rows(256, 0),
        eval_dataset=Rows(64, 1),
        compute_metrics=lambda found: {"harm": float(found.predictions.argmax(-1).mean() / 16)},
    )
    trainer.train()
    trainer.save_state()
    shutil.copy(pathlib.Path(folder) / "trainer_state.json", OUT / name)
    shutil.rmtree(folder)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    state("finished.json", 3e-3)
    state("diverged.json", 1e9)
