"""The settings of the commands: the options that every command has, the environment variables, and the config file."""
