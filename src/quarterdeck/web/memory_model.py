"""The model that finds by meaning, for admins: which one it is, what else there is, and how far it is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from quarterdeck.accounts.admin import Actor
from quarterdeck.memory.choosing import choose_model, list_choices, read_state
from quarterdeck.memory.extraction import MOST_A_DAY
from quarterdeck.web.dependencies import Address, Administrator, TheHouse
from quarterdeck.web.house import MEMORY_CHANGED, House

router = APIRouter(prefix="/api/admin/memory", tags=["administration"])


class EmbeddingChoice(BaseModel):
    """`kind`: a provider's model, or a local one in one of three forms."""

    id: str
    kind: Literal["provider", "bert", "onnx", "gguf"]


class VectorCount(BaseModel):
    model: str
    count: int


class MemoryModelDocument(BaseModel):
    """`model`: empty where none is chosen; `default`: the environment's. `done` of `total` have a vector of it.

    Learning is set in the environment; `learning_model` is empty where each conversation's own model is asked.
    """

    model: str
    origin: Literal["settings", "environment"]
    default: str
    state: Literal["off", "ready", "building", "failing"]
    error: str
    done: int
    total: int
    vectors: list[VectorCount]
    choices: list[EmbeddingChoice]
    models_dir: str
    learning: bool
    learning_model: str
    learning_requests_a_day: int = Field(description="At most so many for one user.")


class MemoryModelChange(BaseModel):
    """`model`: one of the choices or another; empty: none; null: what the environment says."""

    model: Annotated[str, Field(max_length=300)] | None


@router.get("")
async def get_model(house: TheHouse, caller: Administrator) -> MemoryModelDocument:
    """The model that finds by meaning, what else there is, and how far it is with everything that was said."""
    return await _document(house)


@router.put("")
async def change_model(
    house: TheHouse, caller: Administrator, address: Address, wanted: MemoryModelChange
) -> MemoryModelDocument:
    """Choose the model that finds by meaning. It is tried first; then vectors are made anew, and the old ones serve."""
    model = None if wanted.model is None else wanted.model.strip()
    await choose_model(house.database, house.embedding, Actor(caller, address), model)
    await house.embedding.load(house.database)
    await house.bell.tell(MEMORY_CHANGED)
    return await _document(house)


async def _document(house: House) -> MemoryModelDocument:
    default = house.settings.embedding_model
    state = await house.database.read(lambda connection: read_state(connection, default))
    choices = await list_choices(house.registry, house.embedding.models)
    done = state.vectors.get(state.space, 0)
    return MemoryModelDocument(
        model=state.model,
        origin=state.origin,
        default=default,
        state=state.state,
        error=state.error,
        done=done,
        total=done + state.missing,
        vectors=[VectorCount(model=model, count=count) for model, count in state.vectors.items()],
        choices=[EmbeddingChoice(id=choice.id, kind=choice.kind) for choice in choices],
        models_dir=str(house.settings.models_dir),
        learning=house.settings.learn_after_s > 0,
        learning_model=house.settings.background_model,
        learning_requests_a_day=MOST_A_DAY,
    )
