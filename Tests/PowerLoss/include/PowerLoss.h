#ifndef POWERLOSS_H
#define POWERLOSS_H

/* Environment of a program that is started with LD_PRELOAD=libPowerLoss.so. */

/* Files directly in this folder are watched, except those ending in -shm or .lock, which are memory. */
#define POWERLOSS_FOLDER "POWERLOSS_FOLDER"
/* Folder, made beforehand, where the copies lie that a loss of power would leave. */
#define POWERLOSS_DURABLE "POWERLOSS_DURABLE"
/* Number that decides what the disk writes back before it is asked to. */
#define POWERLOSS_SEED "POWERLOSS_SEED"

#endif
