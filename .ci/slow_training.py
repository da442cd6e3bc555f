"A training of a small model that takes its time, for a job that is stopped in the middle."
import time
from pathlib import Path

import torch
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

from grafting_nb.core.seeds import fingerprint, generator, seeded
from grafting_nb.data.latents import Latents
from grafting_nb.models.dit import DiT
from grafting_nb.training.finetune import FinetuneConfig, finetune

STEPS = 120
CELLS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from slow_training import train
""", "folder: str = ''", "print(train(folder, pause=0.8))"


def train(folder, pause:float) -> str:
    "Finetune, with a pause before each step and no checkpoint until the end; returns the fingerprint of the weights."
    torch.set_num_threads(1)
    size = dict(input_size=8, in_channels=1, hidden_size=16, depth=1, num_heads=2, num_classes=10)
    with seeded(0): model = DiT("toy", **size)
    model.register_forward_pre_hook(lambda module, inputs: time.sleep(pause))
    data = Latents(torch.randn(32, 1, 8, 8, generator=generator(1)), torch.arange(32) % 10, 10)
    recipe = FinetuneConfig(steps=STEPS, batch_size=4, checkpoint_every=STEPS)
    return fingerprint(finetune(model, data, recipe, folder, "cpu").model.state_dict())


def write_notebook(path):
    "The training as a notebook with a parameter `folder`."
    cells = [new_code_cell(text.strip()) for text in CELLS]
    cells[1].metadata.tags = ["parameters"]
    kernel = dict(name="python3", display_name="Python 3", language="python")
    write(new_notebook(cells=cells, metadata=dict(kernelspec=kernel)), path)
