"""The table of old keys: complete, without contradictions, and every name of ours in it exists."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ms_core.config_fields import fields_of
from ms_core.old_zoo import keys, keys_defrcn, keys_segformer
from ms_core.old_zoo.families import FAMILIES
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.keys import KEYS, SIGNS
from ms_core.single_shot.config import SingleShotConfig

FIELDS = fields_of(SingleShotConfig)
OF_THE_GUIDES = """
device_num lr dataset epoch_size batch_size pre_trained pre_trained_epoch_size save_checkpoint_epochs loss_scale
filter_weight freeze_layer run_eval save_best_ckpt eval_start_epoch eval_interval class_num image_shape mindrecord_dir
coco_root voc_root voc_json image_dir anno_path using_model save_checkpoint save_checkpoint_path keep_checkpoint_max
run_platform checkpoint_path ckpt_file file_name file_format feature_extractor_base_param checkpoint_filter_list
classes num_classes classes_label_path data_url train_url config_path
"""
"""The parameters that the three guides print, of both generations."""


def test_every_key_of_every_old_file_is_known(configs: Path) -> None:
    for path in sorted(configs.rglob("*.*")):
        old = read_old_file(path)
        assert old is not None
        assert set(old.values) <= set(KEYS), path


@pytest.mark.parametrize("key", OF_THE_GUIDES.split())
def test_the_parameters_of_the_guides_are_known(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize(
    "key", [key for key in KEYS.values() if key.becomes == "setting" and not key.same_as]
)
def test_a_setting_names_keys_that_our_configuration_has(key) -> None:
    assert key.ours
    for ours in key.ours:
        assert ours in FIELDS, f"{key.name}: {ours}"


def test_a_spelling_leads_to_a_key_that_is_none() -> None:
    for key in KEYS.values():
        assert not key.same_as or not KEYS[key.same_as].same_as, key.name


def test_dead_keys_say_why() -> None:
    for family in FAMILIES:
        for key in family.keys.values():
            assert key.note or key.becomes != "dead", key.name


@pytest.mark.parametrize("table", [keys, keys_segformer, keys_defrcn])
def test_no_key_is_in_the_table_twice(table: ModuleType) -> None:
    source = Path(table.__file__ or "").read_text(encoding="utf-8")
    names = re.findall(
        r'^        (?:same|ruled|option|structure|alias|dead)\(\s*"(\w+)"', source, re.MULTILINE
    )
    assert len(names) == len(set(names)) == len(table.KEYS)


def test_no_key_of_ours_makes_a_file_look_old() -> None:
    sections = {key.split(".")[0] for key in FIELDS} | {"base"}
    assert not (SIGNS | keys_segformer.SIGNS | keys_defrcn.SIGNS) & sections


def test_structure_of_the_networks_is_in_the_table() -> None:
    for family in FAMILIES:
        for network in family.networks.values():
            for key in (*network.structure, *network.unread):
                assert family.keys[key].becomes == "structure", key


def test_the_mapping_starts_without_mindspore() -> None:
    program = (
        "import sys, ms_core.old_zoo.commands, ms_core.old_zoo.config_file; "
        "print([m for m in ('mindspore', 'cv2', 'jsonargparse') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
