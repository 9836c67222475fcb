"""What this server has for all its visitors: the Lab, and the secrets that say how it is to be set up."""

import streamlit as st

from gan_core import ConfigError, Lab, Settings, settings_from_environment


@st.cache_resource(show_spinner=False)
def get_lab() -> Lab:
    """One Lab for all visitors of this server. It adopts the worker an earlier one started."""
    return Lab(server_settings())


def server_settings() -> Settings:
    """What the environment and the secrets ask for. Raises ValueError naming what is wrong with them."""
    secrets = server_secrets()
    url = secrets.get("connections", {}).get("store", {}).get("url")
    return settings_from_environment(store_url=url, secrets=secrets)


def server_secrets() -> dict:
    """The secrets, where there are some: `[connections.store] url`, `shared`, `admins`, `resume`, `limits`.

    Raises ConfigError for a file that cannot be read: without it a shared server would be everybody's.
    """
    try:
        return st.secrets.to_dict()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and error.__cause__ is None:
            return {}
        reason = getattr(error, "strerror", None) or error.__cause__ or error
        raise ConfigError([f"secrets.toml cannot be read: {reason}; mend it, and reload this page"]) from error
