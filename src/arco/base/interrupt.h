// Ctrl-C as a flag that long loops look at.
#pragma once

namespace arco {

// From now on SIGINT and SIGTERM set the flag; a second signal ends the program at once.
void catch_interrupts();
bool interrupted();
// For tests.
void set_interrupted(bool value);

}  // namespace arco
