// The plugin's script, whose path the build gives.
const unsigned char otlet_script[] = {
#embed SCRIPT suffix(,)
    0};
const unsigned long otlet_script_length = sizeof otlet_script - 1;
